"""What the gateway knows of one connected client."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sandbox.gateway.connection import Connection
from sandbox.gateway.fields import Value
from sandbox.gateway.messages.control import error
from sandbox.world import World
from sandbox.world.parts import Parts
from sandbox.world.spec import InstrumentSpec

NO_REQUEST = -1
"""The request id of messages that answer no request."""

LIVE_DATA = 1


@dataclass(frozen=True, slots=True)
class Summary:
    """A subscription to the account summary."""

    accounts: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(slots=True)
class Subscriptions:
    """What the client wants to hear of, by request id where there may be several."""

    account_updates: str = ""
    positions: bool = False
    auto_open_orders: bool = False
    market_data_type: int = LIVE_DATA
    updates_multi: dict[int, str] = field(default_factory=dict[int, str])
    positions_multi: dict[int, str] = field(default_factory=dict[int, str])
    summaries: dict[int, Summary] = field(default_factory=dict[int, Summary])
    tickers: dict[int, InstrumentSpec] = field(default_factory=dict[int, InstrumentSpec])


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A client that has started the API."""

    world: World
    connection: Connection
    client_id: int
    version: int
    subscriptions: Subscriptions = field(default_factory=Subscriptions)

    @property
    def parts(self) -> Parts:
        return self.world.parts

    def send(self, fields: Iterable[Value]) -> None:
        """Queue one message to the client."""
        self.connection.send(fields)

    def send_all(self, messages: Iterable[Iterable[Value]]) -> None:
        """Queue several messages, in order."""
        for message in messages:
            self.connection.send(message)

    def error(self, request_id: int, code: int, text: str) -> None:
        """Queue an error, warning or notice."""
        self.connection.send(error(request_id, code, text, self.version))
