"""What the gateway says, as frozen values: raw, one a message, before ib_async merges it into state of its own."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from broker_connector_base import Side


class OrderKey(NamedTuple):
    """Identity of an order at the gateway: order ids are unique per client id only."""

    client_id: int
    order_id: int
    perm_id: int = 0
    """Only for orders placed by hand, which have no positive order id."""

    def __str__(self) -> str:
        return f"manual:{self.perm_id}" if self.order_id <= 0 else f"{self.client_id}:{self.order_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderListed:
    """openOrder: what the order is, and its status at this moment."""

    key: OrderKey
    perm_id: int
    account_id: str
    symbol: str
    side: Side
    quantity: Decimal
    order_type: str
    order_ref: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusTold:
    """orderStatus: the brokerage's own word on an order."""

    key: OrderKey
    perm_id: int
    status: str
    filled: Decimal
    why_held: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionTold:
    """execDetails, live or in answer to a request. Shares are positive; `side` gives the direction."""

    exec_id: str
    key: OrderKey
    perm_id: int
    order_ref: str
    account_id: str
    contract_id: int
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    executed_at: datetime

    @property
    def stem(self) -> str:
        """The id without its revision: the digits after the last dot count the corrections of one execution."""
        return self.exec_id.rpartition(".")[0] or self.exec_id

    @property
    def revision(self) -> int:
        """The count of corrections, 0 when the id carries none."""
        digits = self.exec_id.rpartition(".")[2]
        return int(digits) if digits.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class CommissionTold:
    """commissionReport of one execution, in US dollars."""

    exec_id: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ErrorTold:
    """error: about an order or request of this number, or about nothing in particular (-1)."""

    request_id: int
    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


@dataclass(frozen=True, slots=True)
class AccountFigure:
    """One value of one account, as text, in its currency ("" when it has none)."""

    account_id: str
    tag: str
    value: str
    currency: str


@dataclass(frozen=True, slots=True)
class SummaryTold:
    """accountSummary: a figure in answer to a subscription."""

    request_id: int
    figure: AccountFigure


@dataclass(frozen=True, slots=True)
class FigureTold:
    """updateAccountValue or accountUpdateMulti: a figure pushed by a standing subscription."""

    figure: AccountFigure


@dataclass(frozen=True, slots=True)
class PositionTold:
    """position: what an account holds of a contract, pushed or in answer to a request."""

    account_id: str
    contract_id: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class TickTold:
    """tickPrice: one price of a quote; `size` is that of the same message."""

    request_id: int
    tick_type: int
    price: float
    size: float


@dataclass(frozen=True, slots=True)
class DataTypeTold:
    """marketDataType: 1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""

    request_id: int
    data_type: int


@dataclass(frozen=True, slots=True)
class QuoteEnded:
    """tickSnapshotEnd: nothing more will come."""

    request_id: int


Message = (
    OrderListed
    | StatusTold
    | ExecutionTold
    | CommissionTold
    | ErrorTold
    | SummaryTold
    | FigureTold
    | PositionTold
    | TickTold
    | DataTypeTold
    | QuoteEnded
)
