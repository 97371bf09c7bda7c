"""Where orders come in: validation, what-if, acceptance, rejection, modification."""

from dataclasses import dataclass, replace

from sandbox.world import credit, refusals, validation
from sandbox.world.events import ConnectionCut
from sandbox.world.fault_spec import Disconnect, NoAnswer, OrderMessage, Reject
from sandbox.world.fill_desk import FillDesk
from sandbox.world.orders import Order, OrderRequest
from sandbox.world.parts import Parts
from sandbox.world.refusals import Refusal
from sandbox.world.spec import InstrumentSpec
from sandbox.world.what_if import WhatIf, what_if_of

_TIF_WAS_SET = OrderMessage()
_OUTSIDE_HOURS_IGNORED = OrderMessage(
    code=2109,
    text="Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored based on the order type and "
    "destination. PlaceOrder is now being processed.",
)


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """Takes orders of all clients."""

    parts: Parts
    fills: FillDesk

    def place(self, client_id: int, order_id: int, asked: OrderRequest) -> Order | WhatIf | Refusal:
        """Take a new order, or change one of the same number. Everything that follows is told by events."""
        request = validation.fill_in(self.parts, asked)
        self._journal(client_id, order_id, request)
        existing = self.parts.book.owned(client_id, order_id)
        instrument = self._admit(client_id, order_id, request, existing)
        if isinstance(instrument, Refusal):
            self.parts.refuse(client_id, order_id, instrument)
            return instrument
        if request.what_if:
            return self._foresee(self._new(client_id, order_id, request, instrument))
        if existing:
            return self._modify(existing, request, instrument)
        return self._accept(self._new(client_id, order_id, request, instrument))

    def place_by_hand(self, request: OrderRequest) -> Order | Refusal:
        """Take an order typed into the brokerage's own window: it has no number until client 0 binds it."""
        instrument = self._valid(request)
        if isinstance(instrument, Refusal):
            return instrument
        order = self._new(0, 0, request, instrument)
        order.manual = True
        self.parts.note("manual_order", order, perm_id=order.perm_id)
        return self._accept(order)

    def _foresee(self, order: Order) -> WhatIf | Refusal:
        """What the order would do; one that would be rejected is answered with that error."""
        refusal = self._rejection(order)
        if refusal:
            self.parts.refuse(order.client_id, order.order_id, refusal)
        return refusal or what_if_of(self.parts, order)

    def _admit(
        self,
        client_id: int,
        order_id: int,
        request: OrderRequest,
        existing: Order | None,
    ) -> InstrumentSpec | Refusal:
        if self.parts.switches.read_only:
            return refusals.READ_ONLY
        is_spent = existing.is_done if existing else order_id < self.parts.book.next_id(client_id)
        if is_spent and not request.what_if:
            return refusals.DUPLICATE_ORDER_ID
        return self._valid(request)

    def _valid(self, request: OrderRequest) -> InstrumentSpec | Refusal:
        instrument = validation.find_contract(self.parts, request)
        if isinstance(instrument, Refusal):
            return instrument
        return validation.refusal_of(self.parts, request, instrument) or instrument

    def _new(self, client_id: int, order_id: int, request: OrderRequest, instrument: InstrumentSpec) -> Order:
        return Order(
            perm_id=self.parts.book.next_perm_id(),
            client_id=client_id,
            order_id=order_id,
            request=request,
            instrument=instrument,
            placed_at=self.parts.now(),
        )

    def _accept(self, order: Order) -> Order:
        self.parts.book.add(order)
        mute = self.parts.faults.met_by(order, NoAnswer)
        order.silent = mute is not None
        cut = self.parts.faults.met_by(order, Disconnect)
        if cut and cut.when == "placed":
            self.parts.hub.publish(ConnectionCut(order.client_id))
        if mute and not mute.fills:
            return order
        self._send_messages(order)
        rejection = self._rejection(order)
        if rejection:
            self._reject(order, rejection)
        elif order.request.transmit:
            self.parts.note("order_accepted", order, perm_id=order.perm_id)
            self.fills.work(order)
        return order

    def _send_messages(self, order: Order) -> None:
        if not order.request.tif:
            order.request = replace(order.request, tif="DAY")
            self.parts.warn(order, _TIF_WAS_SET.code, _TIF_WAS_SET.text)
        if order.request.outside_rth and order.request.order_type != "LMT":
            self.parts.warn(order, _OUTSIDE_HOURS_IGNORED.code, _OUTSIDE_HOURS_IGNORED.text)
        scripted = self.parts.faults.met_by(order, OrderMessage)
        if scripted:
            self.parts.warn(order, scripted.code, scripted.text)

    def _rejection(self, order: Order) -> Refusal | None:
        fault = self.parts.faults.met_by(order, Reject)
        if fault:
            return Refusal(fault.code, fault.text, fault.status)
        return credit.rejection_of(self.parts, order)

    def _reject(self, order: Order, refusal: Refusal) -> None:
        order.status = refusal.status or "Inactive"
        order.done_at = self.parts.now() if order.is_done else None
        self.parts.note("order_refused", order, code=refusal.code, text=refusal.text)
        self.parts.warn(order, refusal.code, refusal.text)
        self.parts.tell(order)

    def _modify(self, order: Order, request: OrderRequest, instrument: InstrumentSpec) -> Order | Refusal:
        same = (order.account, order.side, order.instrument) == (request.account, request.side, instrument)
        if not same or order.status == "PendingCancel" or request.quantity <= order.filled:
            self.parts.refuse(order.client_id, order.order_id, refusals.MODIFICATION_DIFFERS)
            return refusals.MODIFICATION_DIFFERS
        before, order.request = order.request, request
        rejection = credit.rejection_of(self.parts, order)
        if rejection:
            order.request = before
            self.parts.refuse(order.client_id, order.order_id, rejection)
            return rejection
        if order.can_fill and not order.parked:
            self.fills.submit(order)
        else:
            self.fills.work(order)
        return order

    def _journal(self, client_id: int, order_id: int, request: OrderRequest) -> None:
        kind = "modify_order" if self.parts.book.owned(client_id, order_id) else "place_order"
        self.parts.journal.record(
            "what_if" if request.what_if else kind,
            client_id=client_id,
            order_id=order_id,
            account=request.account,
            symbol=request.contract.symbol,
            order_ref=request.order_ref,
            side=request.side,
            quantity=str(request.quantity),
            order_type=request.order_type,
            limit_price=None if request.limit_price is None else str(request.limit_price),
            tif=request.tif,
            outside_rth=request.outside_rth,
            con_id=request.contract.con_id,
        )
