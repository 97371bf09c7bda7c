"""What the gateway says, as frozen values: raw, one a message, before ib_async merges it into state of its own."""

import sys
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
    """Only for orders without an order id: placed by hand, and not bound by client 0, which numbers them below 0."""

    def __str__(self) -> str:
        return f"{self.client_id}:{self.order_id}" if self.order_id else f"manual:{self.perm_id}"

    def belongs_to(self, client_id: int) -> bool:
        """True when this client may cancel the order."""
        return self.order_id != 0 and self.client_id == client_id


def split_exec_id(exec_id: str) -> tuple[str, int]:
    """An execution's id without its revision, and the revision: two digits after the last dot, `….01`, `….02`.

    A correction repeats the id with the next revision. Other digits after a dot belong to the id. Without its revision
    an id is kept in many places, so it is always the same object.
    """
    stem, _, digits = exec_id.rpartition(".")
    is_revision = bool(stem) and len(digits) == len("01") and digits.isdecimal()
    return (sys.intern(stem), int(digits)) if is_revision else (exec_id, 0)


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
    cumulative: Decimal = Decimal(0)
    """Shares of the order executed by then, by the gateway's count; 0 when it does not say."""
    is_part: bool = False
    """True when the digits after the last dot were found to number the parts of an order, and not revisions."""

    @property
    def series(self) -> str:
        """The id without the digits after the last dot."""
        return split_exec_id(self.exec_id)[0]

    @property
    def stem(self) -> str:
        """What identifies the execution: its id without the revision."""
        return self.exec_id if self.is_part else self.series

    @property
    def revision(self) -> int:
        """1 as first told, more for each correction; 0 when the id carries no revision."""
        return 0 if self.is_part else split_exec_id(self.exec_id)[1]


@dataclass(frozen=True, slots=True)
class CommissionTold:
    """commissionReport of one execution."""

    exec_id: str
    amount: Decimal | None
    """None where the gateway gave no number."""
    currency: str = "USD"


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
class QuoteFactTold:
    """tickGeneric or tickString: something about a quote that is no price, such as a halt."""

    request_id: int
    tick_type: int
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfTold:
    """openOrder in answer to a what-if: what the order would do. None where the gateway gave no number."""

    request_id: int
    status: str
    initial_margin_change: Decimal | None
    initial_margin_after: Decimal | None
    maintenance_margin_after: Decimal | None
    equity_with_loan_after: Decimal | None
    commission: Decimal | None
    warning: str


@dataclass(frozen=True, slots=True)
class DataTypeTold:
    """marketDataType: 1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""

    request_id: int
    data_type: int


@dataclass(frozen=True, slots=True)
class QuoteEnded:
    """tickSnapshotEnd: nothing more will come."""

    request_id: int


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A message that could not be decoded: its id (-1 where even that is unreadable), its name, and what is wrong."""

    message_id: int
    name: str
    text: str
    account_id: str = ""
    """The account that it is about, where that could be read."""
    order: OrderKey | None = None
    """The order, where that could be read, and no account."""
    is_answer: bool = False
    """True when it answered a request by number, so that it is whoever asked who misses it."""

    def __str__(self) -> str:
        return f"{self.name} ({self.message_id}) cannot be decoded: {self.text}"


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
    | QuoteFactTold
    | QuoteEnded
    | WhatIfTold
    | Undecodable
)
