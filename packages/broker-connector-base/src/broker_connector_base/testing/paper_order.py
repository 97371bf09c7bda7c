"""One order at a paper brokerage, as the brokerage knows it."""

from dataclasses import dataclass, field
from decimal import Decimal

from broker_connector_base.models import Fill, OpenOrder, OrderRequest, OrderResult, OrderStatus
from broker_connector_base.testing.paper_scripts import Behaviour


@dataclass(slots=True)
class PaperOrder:
    """The request, who sent it, and what has become of it so far."""

    order_id: str
    request: OrderRequest
    owner: str
    behaviour: Behaviour | None = None
    status: OrderStatus = OrderStatus.WORKING
    message: str = ""
    fills: list[Fill] = field(default_factory=list[Fill])

    @property
    def remaining(self) -> Decimal:
        """Shares not executed."""
        return self.request.quantity - sum((fill.quantity for fill in self.fills), Decimal(0))

    @property
    def is_final(self) -> bool:
        """True when it can never fill again."""
        return self.status.is_final

    def reject(self, words: str) -> None:
        """End it with the brokerage's words."""
        self.status = OrderStatus.REJECTED
        self.message = words

    def book(self, fill: Fill) -> None:
        """Add an execution."""
        self.fills.append(fill)
        if self.remaining == 0:
            self.status = OrderStatus.FILLED

    def revise(self, old: Fill, new: Fill) -> None:
        """Replace an execution by its correction; what that takes away from a filled order comes back to nobody."""
        self.fills[self.fills.index(old)] = new
        if self.status is OrderStatus.FILLED and self.remaining > 0:
            self.status = OrderStatus.CANCELLED

    def result(self) -> OrderResult:
        """What its sender is told."""
        return OrderResult(
            order_id=self.order_id,
            request=self.request,
            status=self.status,
            fills=tuple(fill for fill in self.fills if not fill.is_busted),
            message=self.message,
        )

    def as_open(self, asked_by: str) -> OpenOrder:
        """How it is listed among the open orders."""
        return OpenOrder(
            order_id=self.order_id,
            account_id=self.request.account_id,
            symbol=self.request.symbol,
            side=self.request.side,
            quantity=Decimal(self.request.quantity),
            filled_quantity=self.request.quantity - self.remaining,
            order_type=self.request.order_type.value,
            status=self.status,
            order_ref=self.request.order_ref,
            owner=self.owner,
            is_ours=self.owner == asked_by,
        )
