"""Openings and closings: what they do to the orders that wait for them."""

import asyncio
from datetime import datetime

from sandbox.world.cancel_desk import CancelDesk
from sandbox.world.fill_desk import FillDesk
from sandbox.world.orders import Order
from sandbox.world.parts import Parts

_LONGEST_WAIT_MS = 3_600_000
"""A long wait is cut into hours, so that a changed clock is noticed."""


class Bell:
    """Rings at every start and end of a session for as long as orders are open."""

    def __init__(self, parts: Parts, fills: FillDesk, cancels: CancelDesk) -> None:
        self._parts = parts
        self._fills = fills
        self._cancels = cancels
        self._timer: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """Set the timer for the next bell, unless it is set or no order waits."""
        waiting = {order.instrument.con_id: order.instrument for order in self._parts.book if order.can_fill}
        now = self._parts.now()
        bells = [bell for spec in waiting.values() if (bell := self._parts.calendar(spec).next_bell(now))]
        if self._timer or not bells:
            return
        wait_ms = (min(bells) - now).total_seconds() * 1000
        self._timer = self._parts.timers.after(min(wait_ms, _LONGEST_WAIT_MS), lambda: self._ring(now))

    def hours_changed(self, was_open: dict[int, bool]) -> None:
        """The operator set other hours: markets that were open may have closed, and the other way round."""
        now = self._parts.now()
        for order in self._parts.book:
            is_open = self._parts.calendar(order.instrument).is_open(now)
            if was_open[order.instrument.con_id] and not is_open:
                self._close(order)
            self._open(order)
        if self._timer:
            self._parts.timers.call_off(self._timer)
            self._timer = None
        self.arm()

    def _ring(self, last: datetime) -> None:
        self._timer = None
        now = self._parts.now()
        for order in self._parts.book:
            calendar, extended = self._parts.calendar(order.instrument), order.request.outside_rth
            if calendar.ended_between(last, now) or (extended and calendar.ended_between(last, now, extended=True)):
                self._close(order)
            self._open(order)
        self.arm()

    def _close(self, order: Order) -> None:
        if not order.can_fill or order.parked:
            return
        if order.request.order_type == "MOC" and order.status == "PreSubmitted":
            self._fills.fill_at_close(order)
        elif self._fills.market_is_open(order):
            return
        elif order.request.tif == "DAY":
            self._fills.end(order, "Cancelled")
        else:
            order.parked = True

    def _open(self, order: Order) -> None:
        if not order.parked or not self._fills.market_is_open(order):
            return
        if order.cancel_due_at_open:
            order.parked = False
            self._cancels.confirm(order)
        elif order.status == "PreSubmitted" and order.request.order_type == "MOC":
            order.parked = False
        elif order.can_fill and order.status != "PendingCancel":
            self._fills.submit(order)
