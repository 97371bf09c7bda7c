"""Values that every brokerage connector exchanges with the rebalancer: frozen, Decimal, UTC-aware.

Money is in the account's base currency, US dollars, unless a field says otherwise. Pydantic refuses NaN and
infinities in Decimal fields, so a value that exists is a number.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

DOLLARS = "USD"
PositiveDecimal = Annotated[Decimal, Field(gt=0)]
NonNegativeDecimal = Annotated[Decimal, Field(ge=0)]


class FrozenModel(BaseModel):
    """Base of all values here: immutable, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Side(StrEnum):
    """Direction of a trade or an order."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell: what a fill does to the position."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    """How an order is priced."""

    MARKET = "MKT"
    LIMIT = "LMT"
    MARKET_ON_CLOSE = "MOC"
    """At the closing auction's price, for the day only; brokerages stop taking and cancelling it before the close."""


class TimeInForce(StrEnum):
    """How long an order lives."""

    DAY = "DAY"
    GOOD_TILL_CANCELLED = "GTC"


class OrderStatus(StrEnum):
    """Where an order stands, the same for every brokerage.

    PENDING: sent, not acknowledged. WORKING: accepted, may fill; a requested but unconfirmed cancellation is still
    WORKING. The others are final.
    """

    PENDING = "PENDING"
    WORKING = "WORKING"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"

    @property
    def is_final(self) -> bool:
        """True when the order can never fill again."""
        return self not in (OrderStatus.PENDING, OrderStatus.WORKING)


class AssetClass(StrEnum):
    """Kind of instrument of a position. Only STOCK (shares and ETFs) in US dollars is ever traded."""

    STOCK = "STOCK"
    OTHER = "OTHER"


class PriceSource(StrEnum):
    """Where a price came from, best first. PREVIOUS_CLOSE serves previews only."""

    LIVE_MID = "live_mid"
    LIVE_LAST = "live_last"
    DELAYED = "delayed"
    PREVIOUS_CLOSE = "previous_close"


class ContractPrice(FrozenModel):
    """A usable price of one symbol, in US dollars per share."""

    symbol: str
    price: PositiveDecimal
    source: PriceSource
    observed_at: AwareDatetime
    """When the brokerage's tick arrived (for delayed data: arrived, not traded)."""
    bid: Decimal | None = None
    ask: Decimal | None = None

    def age_seconds(self, now: AwareDatetime) -> float:
        """Seconds since the price was observed, never negative."""
        return max(0.0, (now - self.observed_at).total_seconds())


class AccountPosition(FrozenModel):
    """Shares or contracts of one instrument held by an account; short positions are negative."""

    symbol: str
    contract_id: str
    """The brokerage's identity of the instrument (IBKR: conId): two listings of one symbol differ here."""
    quantity: Decimal
    asset_class: AssetClass
    currency: str

    @property
    def is_tradeable(self) -> bool:
        """True for US-dollar stocks and ETFs, the only instruments that the rebalancer ever orders."""
        return self.asset_class is AssetClass.STOCK and self.currency == "USD"


class AccountSnapshot(FrozenModel):
    """One account at one moment, complete: a connector that misses a part raises SnapshotIncomplete instead."""

    account_id: str
    net_liquidation: Decimal
    """Total value of the account, base currency."""
    cash: Decimal
    """US dollars at trade date; negative when the account borrows."""
    settled_cash: Decimal
    """US dollars that have settled."""
    is_cash_account: bool
    """True when the account cannot borrow, so that only settled cash may be spent."""
    other_cash: Decimal = Decimal(0)
    """Value in US dollars of the cash held in other currencies; never spent."""
    positions: tuple[AccountPosition, ...]
    taken_at: AwareDatetime
    day_trades_remaining: int | None = None
    """Day trades that the brokerage still allows, -1 for any number; None when it does not say."""

    @property
    def spendable_cash(self) -> Decimal:
        """Cash that buys may use before any sale: settled cash for cash accounts, else all of it."""
        return min(self.cash, self.settled_cash) if self.is_cash_account else self.cash


class TradingSession(FrozenModel):
    """A half-open interval [opens_at, closes_at) in which an instrument trades."""

    opens_at: AwareDatetime
    closes_at: AwareDatetime

    def contains(self, moment: AwareDatetime) -> bool:
        """True from the opening, inclusive, to the close, exclusive."""
        return self.opens_at <= moment < self.closes_at


class TradingHours(FrozenModel):
    """Sessions of one symbol for the coming days, in time order. Holidays are absent, early closes are shorter."""

    symbol: str
    regular: tuple[TradingSession, ...]
    extended: tuple[TradingSession, ...]
    """Sessions including pre-market and after-hours trading."""


class OrderRequest(FrozenModel):
    """An order to send. Every field that decides about money is explicit; nothing is left to a broker's preset."""

    account_id: str
    symbol: str
    side: Side
    quantity: Annotated[int, Field(gt=0)]
    """Whole shares."""
    order_type: OrderType
    time_in_force: TimeInForce
    order_ref: Annotated[str, Field(min_length=1, max_length=128)]
    """Our own identity of the order, `event_id:attempt:side:symbol`, found again after a crash."""
    limit_price: PositiveDecimal | None = None
    """Required for LIMIT, absent otherwise."""
    outside_regular_hours: bool = False


class Fill(FrozenModel):
    """One execution, as last corrected. One that was busted has no shares: it never took place."""

    exec_id: str
    order_ref: str
    account_id: str
    symbol: str
    side: Side
    quantity: NonNegativeDecimal
    price: NonNegativeDecimal
    commission: Decimal | None = None
    """None until the brokerage reports it."""
    commission_currency: str = DOLLARS
    executed_at: AwareDatetime
    replaces: tuple[str, ...] = ()
    """Ids under which this execution was told before it was corrected, or busted."""

    @model_validator(mode="after")
    def _require_something(self) -> Self:
        if self.is_busted and not self.replaces:
            raise ValueError("an execution without shares takes back another")
        if not self.is_busted and not self.price:
            raise ValueError("shares have a price")
        return self

    @property
    def is_busted(self) -> bool:
        """True when the exchange took the execution back; of such a fill only the ids in `replaces` matter."""
        return not self.quantity

    @property
    def dollar_commission(self) -> Decimal | None:
        """The commission where it is known and in US dollars."""
        return self.commission if self.commission_currency == DOLLARS else None

    @property
    def cash_effect(self) -> Decimal:
        """US dollars that the fill adds to the account (negative for a buy), commission included as far as known."""
        return -self.side.sign * self.quantity * self.price - (self.dollar_commission or Decimal(0))


class OpenOrder(FrozenModel):
    """An order that is alive at the brokerage."""

    order_id: str
    account_id: str
    symbol: str
    side: Side
    quantity: Decimal
    filled_quantity: Decimal
    order_type: str
    """The brokerage's own name: others may have placed kinds that we never use."""
    status: OrderStatus
    order_ref: str
    owner: str
    """Who placed it, in the brokerage's words (IBKR: the client id)."""
    is_ours: bool
    """True when this connection's own id placed it; others are cancelled through their owners' ids."""


class OrderResult(FrozenModel):
    """What became of an order that we sent, as far as known at this moment."""

    order_id: str
    request: OrderRequest
    status: OrderStatus
    fills: tuple[Fill, ...] = ()
    """Executions that stand."""
    message: str = ""
    """The brokerage's words, empty when it had none."""

    @property
    def filled_quantity(self) -> Decimal:
        """Shares executed so far."""
        return sum((fill.quantity for fill in self.fills), Decimal(0))

    @property
    def remaining_quantity(self) -> Decimal:
        """Shares not executed."""
        return Decimal(self.request.quantity) - self.filled_quantity

    @property
    def cash_effect(self) -> Decimal:
        """US dollars that the fills added to the account, commissions included."""
        return sum((fill.cash_effect for fill in self.fills), Decimal(0))


class MarginEffect(FrozenModel):
    """What an order would do to its account, as the brokerage reckons without sending it; US dollars."""

    initial_margin_after: Decimal
    maintenance_margin_after: Decimal
    equity_with_loan_after: Decimal
    commission: Decimal
    warning: str = ""
    """The brokerage's words, empty when it has none; a warning is no refusal."""


class BrokerHealth(FrozenModel):
    """What a connector knows of its own connection, for /health."""

    connected: bool
    read_only: bool = False
    """True when the brokerage was seen refusing orders because its API is read-only."""
    detail: str = ""
    last_heard_at: AwareDatetime | None = None
    unreadable: str = ""
    """What it told that makes no sense, by account; no order is sent there until it tells otherwise."""
