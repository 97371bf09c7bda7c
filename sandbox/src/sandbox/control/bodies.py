"""The bodies that the control API takes; unknown keys are refused."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sandbox.ably import AblyError
from sandbox.world import HoursSpec

Price = Annotated[Decimal, Field(gt=0)]
GatewayState = Literal["down", "up", "frozen", "thawed", "drop", "next_day"]


class Body(BaseModel):
    """Frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PublishBody(Body):
    """A message for an Ably channel; see `AblyServer.publish`."""

    channel: Annotated[str, Field(min_length=1)]
    data: Any = None
    name: str | None = None
    id: str | None = None
    encoding: str | None = None


class GatewayBody(Body):
    """What the gateway shall be: `down` refuses connections, `frozen` says nothing, `drop` cuts everybody once.

    `next_day` does so too, as the nightly restart does; executions of the day before yesterday are told no more.
    """

    state: GatewayState


class NoticeBody(Body):
    """The link to the brokerage is lost (1100), or back with (1101) or without (1102) loss of data."""

    code: Literal[1100, 1101, 1102]


class MarketBody(Body):
    """A change to one market; what is absent stays."""

    symbol: str
    con_id: int | None = None
    price: Price | None = None
    spread: Annotated[Decimal, Field(ge=0)] | None = None
    halted: bool | None = None
    no_quote: bool | None = None
    delayed_only: bool | None = None
    close_only: bool | None = None


class HoursBody(Body):
    """Trading hours for one symbol or, without one, for every market: a kind or the whole description."""

    hours: HoursSpec
    symbol: str | None = None

    @field_validator("hours")
    @classmethod
    def _zone_exists(cls, hours: HoursSpec) -> HoursSpec:
        try:
            ZoneInfo(hours.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no time zone is called {hours.time_zone!r}") from error
        return hours


class ReadOnlyBody(Body):
    """Whether the gateway's API takes no orders."""

    read_only: bool


class DepositBody(Body):
    """Money into the account, or with a negative amount out of it."""

    amount: Decimal
    currency: str | None = None


class OrderBody(Body):
    """An order that is not the client's: with `client_id` another client's, without one placed by hand."""

    account: str
    symbol: str
    side: Literal["BUY", "SELL"]
    quantity: Annotated[Decimal, Field(gt=0)]
    client_id: int | None = None
    con_id: int | None = None
    order_type: str | None = None
    limit_price: Price | None = None
    tif: str | None = None
    outside_rth: bool | None = None
    order_ref: str | None = None


class AblyErrorBody(Body):
    """The error that goes with a DISCONNECTED message."""

    code: int
    status: int
    message: str = ""

    def to_error(self) -> AblyError:
        """The error as the service sends it."""
        return AblyError.with_code(self.code, self.status, self.message)


class AblySwitch(Body):
    """One of the switches that need nothing else."""

    action: Literal["drop", "lose_continuity", "refuse", "accept", "unavailable", "available", "black_hole", "heal"]


class AblyKeyAction(Body):
    """Turn a key (or key name) away, or let it in again."""

    action: Literal["revoke_key", "restore_key"]
    key: str


class AblyDisconnect(Body):
    """Send DISCONNECTED to every client; without an error the SDK never comes back."""

    action: Literal["disconnect"]
    error: AblyErrorBody | None = None


AblyBody = Annotated[AblySwitch | AblyKeyAction | AblyDisconnect, Field(discriminator="action")]
