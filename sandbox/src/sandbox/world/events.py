"""What the world tells its listeners, and the hub that tells them."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.world.executions import Execution
from sandbox.world.orders import Order
from sandbox.world.spec import InstrumentSpec


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """The order's state is to be told to its owner."""

    order: Order


@dataclass(frozen=True, slots=True)
class OrderMessage:
    """An error or warning about one order id of one client."""

    client_id: int
    order_id: int
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class OrderBound:
    """An order placed by hand got an id in the space of client 0."""

    order: Order


@dataclass(frozen=True, slots=True)
class Executed:
    """An execution is to be told to the order's owner."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class CommissionCharged:
    """The commission of an execution told before."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """What clients see of the account has changed, in the positions of these contracts among others."""

    account: str
    con_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class QuoteChanged:
    """A price or the state of a market has changed."""

    instrument: InstrumentSpec


@dataclass(frozen=True, slots=True)
class ConnectionCut:
    """The connection of this client is to be cut at once."""

    client_id: int


WorldEvent = (
    OrderChanged
    | OrderMessage
    | OrderBound
    | Executed
    | CommissionCharged
    | AccountChanged
    | QuoteChanged
    | ConnectionCut
)
Listener = Callable[[WorldEvent], None]


class EventHub:
    """Hands every event to every listener, in the order of subscription, at once."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; the answer removes it again."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, event: WorldEvent) -> None:
        for listener in tuple(self._listeners):
            listener(event)
