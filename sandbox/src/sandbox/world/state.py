"""Plain frozen pictures of the world for readers: tests, the control API, the demo."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sandbox.world.fault_spec import Side


@dataclass(frozen=True, slots=True)
class PositionState:
    """One holding and what it is worth now, in the instrument's currency."""

    con_id: int
    symbol: str
    sec_type: str
    currency: str
    quantity: Decimal
    avg_cost: Decimal
    market_price: Decimal
    market_value: Decimal


@dataclass(frozen=True, slots=True)
class OrderState:
    """One order as it stands. `order_id` is 0 or negative for orders placed by hand."""

    perm_id: int
    client_id: int
    order_id: int
    account: str
    symbol: str
    side: Side
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    tif: str
    order_ref: str
    status: str
    filled: Decimal
    remaining: Decimal
    avg_fill_price: Decimal
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class FillState:
    """One execution as it counts now: a correction has replaced what it corrected."""

    exec_id: str
    perm_id: int
    client_id: int
    order_id: int
    account: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    commission: Decimal
    order_ref: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AccountState:
    """The truth about one account at this moment, without the lag that clients see. Money in `currency`."""

    account_id: str
    kind: str
    currency: str
    cash: Decimal
    cash_by_currency: dict[str, Decimal]
    settled_cash: Decimal
    net_liquidation: Decimal
    available_funds: Decimal
    buying_power: Decimal
    positions: tuple[PositionState, ...]
    open_orders: tuple[OrderState, ...]
    fills: tuple[FillState, ...]
