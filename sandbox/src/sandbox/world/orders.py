"""Orders: what a client asks for, and what became of it."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from sandbox.world.fault_spec import Fault, Side
from sandbox.world.instruments import ContractQuery
from sandbox.world.spec import InstrumentSpec
from sandbox.world.state import OrderState

OrderStatus = Literal[
    "PendingSubmit",
    "PreSubmitted",
    "Submitted",
    "PendingCancel",
    "Cancelled",
    "Filled",
    "Inactive",
]
DONE: frozenset[OrderStatus] = frozenset({"Cancelled", "Filled"})
"""States from which nothing follows. Inactive orders stay listed until somebody cancels them."""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as it was asked for. `side` and `order_type` are still the client's own words."""

    account: str
    contract: ContractQuery
    side: str
    quantity: Decimal
    order_type: str = "MKT"
    limit_price: Decimal | None = None
    tif: str = "DAY"
    outside_rth: bool = False
    order_ref: str = ""
    transmit: bool = True
    what_if: bool = False
    conditions: int = 0


@dataclass(slots=True, eq=False)
class Order:
    """An order of the book, alive or done. `request` is replaced when the client modifies it.

    `silent` orders are never spoken of; `parked` ones wait for the market to open; those `on_its_way` have been
    accepted but no price can reach them before the latency is over. `claimed` are the faults that the order met.
    """

    perm_id: int
    client_id: int
    order_id: int
    request: OrderRequest
    instrument: InstrumentSpec
    placed_at: datetime
    status: OrderStatus = "PendingSubmit"
    filled: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    last_price: Decimal = Decimal(0)
    commission: Decimal = Decimal(0)
    done_at: datetime | None = None
    manual: bool = False
    silent: bool = False
    parked: bool = False
    on_its_way: bool = False
    cancel_due_at_open: bool = False
    claimed: dict[type[object], Fault] = field(default_factory=dict[type[object], Fault])

    @property
    def account(self) -> str:
        return self.request.account

    @property
    def side(self) -> Side:
        return "BUY" if self.request.side == "BUY" else "SELL"

    @property
    def remaining(self) -> Decimal:
        return self.request.quantity - self.filled

    @property
    def avg_fill_price(self) -> Decimal:
        return self.paid / self.filled if self.filled else Decimal(0)

    @property
    def is_done(self) -> bool:
        return self.status in DONE

    @property
    def can_fill(self) -> bool:
        """Whether the exchange may still execute it; an order being cancelled may."""
        return self.status in {"PreSubmitted", "Submitted", "PendingCancel"}

    def state(self) -> OrderState:
        """A frozen picture for readers."""
        return OrderState(
            perm_id=self.perm_id,
            client_id=self.client_id,
            order_id=self.order_id,
            account=self.account,
            symbol=self.instrument.symbol,
            side=self.side,
            quantity=self.request.quantity,
            order_type=self.request.order_type,
            limit_price=self.request.limit_price,
            tif=self.request.tif,
            order_ref=self.request.order_ref,
            status=self.status,
            filled=self.filled,
            remaining=self.remaining,
            avg_fill_price=self.avg_fill_price,
            placed_at=self.placed_at,
        )
