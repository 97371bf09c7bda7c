"""Cancelling: whose order it is, whether it still can be, and when the exchange says so."""

from dataclasses import dataclass

from sandbox.world.credit import is_past_cutoff
from sandbox.world.events import OrderMessage
from sandbox.world.fault_spec import FillDuringCancel, SlowCancel
from sandbox.world.fill_desk import FillDesk
from sandbox.world.orders import Order
from sandbox.world.parts import Parts
from sandbox.world.refusals import READ_ONLY


@dataclass(frozen=True, slots=True)
class CancelDesk:
    """Takes requests to cancel."""

    parts: Parts
    fills: FillDesk

    def cancel(self, client_id: int, order_id: int) -> None:
        """Cancel an order of this client by its number in this client's own id space."""
        order = self.parts.book.owned(client_id, order_id)
        self.parts.journal.record(
            "cancel_order",
            client_id=client_id,
            order_id=order_id,
            account=order.account if order else "",
            symbol=order.instrument.symbol if order else "",
            order_ref=order.request.order_ref if order else "",
        )
        if self.parts.switches.read_only:
            self._answer(client_id, order_id, READ_ONLY.code, READ_ONLY.text)
        elif order is None:
            text = f"OrderId {order_id} that needs to be cancelled is not found."
            self._answer(client_id, order_id, 10147, text)
        elif order.is_done or order.status == "PendingCancel":
            text = f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {order.status}."
            self._answer(client_id, order_id, 10148, text)
        elif order.request.order_type == "MOC" and order.can_fill and is_past_cutoff(self.parts, order.instrument):
            text = "Cancel attempted when order is not in a cancellable state. Order permId = "
            self._answer(client_id, order_id, 161, f"{text}{order.perm_id}")
        else:
            self._begin(order)

    def cancel_everything(self, client_id: int) -> None:
        """Cancel every open order of every client in every account."""
        self.parts.journal.record("global_cancel", client_id=client_id)
        for order in self.parts.book:
            if not order.is_done and order.status != "PendingCancel":
                self._begin(order)

    def confirm(self, order: Order) -> None:
        """The exchange acknowledges: the order is over, unless it was filled in the meantime."""
        order.cancel_due_at_open = False
        if order.is_done:
            return
        self.parts.warn(order, 202, "Order Canceled - reason:")
        self.fills.end(order, "Cancelled")

    def _begin(self, order: Order) -> None:
        is_parked = order.parked
        if order.status == "Inactive":
            self.confirm(order)
            return
        order.status = "PendingCancel"
        self.parts.tell(order)
        self._fill_meanwhile(order)
        slow = self.parts.faults.met_by(order, SlowCancel)
        if slow and slow.after_ms is None:
            return
        if is_parked:
            order.cancel_due_at_open = True
            return
        self.parts.timers.after((slow.after_ms or 0) if slow else 0, lambda: self.confirm(order))

    def _fill_meanwhile(self, order: Order) -> None:
        fault = self.parts.faults.met_by(order, FillDuringCancel)
        if fault and order.remaining:
            quantity = min(fault.quantity or order.remaining, order.remaining)
            self.fills.execute(order, quantity, self.parts.market.price(order.instrument.con_id))

    def _answer(self, client_id: int, order_id: int, code: int, text: str) -> None:
        self.parts.hub.publish(OrderMessage(client_id, order_id, code, text))
