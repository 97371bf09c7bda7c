"""The shapes of results, as events carry them and the API shows them: JSON objects with these keys.

Money is in US dollars with cents, prices and quantities have up to four decimals, times are RFC 3339 in UTC.
"""

from typing import Literal, NotRequired, TypedDict

Status = Literal["success", "partial", "failed", "skipped"]
ExecutionMode = Literal["dry_run", "live"]


class EquityShape(TypedDict):
    """How much of the account may be invested."""

    total_equity: float
    reserve_percentage: float
    reserve_amount: float
    unmanaged_value: float
    available_for_trading: float


class OrderShape(TypedDict):
    """A planned trade; from `order_id` on, what became of its order in a live run."""

    symbol: str
    quantity: int
    action: str
    market_value: float
    price: float
    reason: str
    order_type: str
    order_id: NotRequired[str]
    status: NotRequired[str]
    filled_quantity: NotRequired[float]
    average_price: NotRequired[float | None]
    commission: NotRequired[float | None]
    message: NotRequired[str]
    margin_effect: NotRequired["MarginShape"]


class MarginShape(TypedDict):
    """What the broker, asked beforehand, said that an order would do to its account."""

    initial_margin_after: float
    maintenance_margin_after: float
    equity_with_loan_after: float
    commission: float
    warning: str


class PriceShape(TypedDict):
    """The price a plan was made with."""

    price: float
    source: str
    age_seconds: float


class DriftShape(TypedDict):
    """How far one symbol is from its target, in percent of what may be invested.

    Before trading in a preview, afterwards in a live run.
    """

    symbol: str
    target_percent: float
    actual_percent: float


class RebalanceShape(TypedDict):
    """The result of `rebalance` and `print-rebalance`."""

    account_id: str
    execution_mode: ExecutionMode
    equity_info: EquityShape
    orders: list[OrderShape]
    status: Status
    message: str
    timestamp: str
    prices: dict[str, PriceShape]
    warnings: list[str]
    drift: list[DriftShape]
    equity_before: NotRequired[float]
    equity_after: NotRequired[float | None]
    cancelled_orders: NotRequired[list[str]]


class SkippedShape(TypedDict):
    """The result of a `rebalance` that a rule of the account forbids today."""

    account_id: str
    execution_mode: ExecutionMode
    status: Status
    message: str
    next_allowed_time: str | None
    """Start of the next day's trading; None when the brokerage did not tell it."""
    timestamp: str


class PositionShape(TypedDict):
    """A position; `tradeable` is False for what the rebalancer never touches."""

    symbol: str
    quantity: float
    asset_class: str
    currency: str
    tradeable: bool


class PositionsShape(TypedDict):
    """The result of `print-positions`."""

    account_id: str
    positions: list[PositionShape]
    status: Status
    message: str
    timestamp: str


class AccountEquityShape(TypedDict):
    """The result of `print-equity`."""

    account_id: str
    net_liquidation: float
    cash: float
    settled_cash: float
    other_cash: float
    account_type: Literal["cash", "margin"]
    reserve_percentage: float
    reserve_amount: float
    status: Status
    message: str
    timestamp: str
    warnings: list[str]


class OpenOrderShape(TypedDict):
    """An order alive at the brokerage."""

    order_id: str
    symbol: str
    action: str
    quantity: float
    filled_quantity: float
    order_type: str
    status: str
    order_ref: str
    owner: str
    ours: bool


class OrdersShape(TypedDict):
    """The result of `print-orders`, and of `cancel-orders` with the orders that were cancelled."""

    account_id: str
    orders: list[OpenOrderShape]
    status: Status
    message: str
    timestamp: str


class FailureShape(TypedDict):
    """What a failed attempt leaves: never a plan that was not carried out."""

    account_id: str
    command: str
    status: Status
    failure_kind: str
    message: str
    timestamp: str
