"""Where orders meet the market: resting, filling, reporting executions."""

from dataclasses import dataclass
from decimal import Decimal

from sandbox.world.credit import commission
from sandbox.world.events import CommissionCharged, ConnectionCut, Executed
from sandbox.world.executions import Execution
from sandbox.world.fault_spec import (
    CorrectExecution,
    Disconnect,
    DuplicateExecution,
    NoAnswer,
    PartialFill,
    SkipStatus,
    SlowFill,
    StatusBeforeExecution,
)
from sandbox.world.ledger import Trade
from sandbox.world.orders import Order
from sandbox.world.parts import Parts


@dataclass(frozen=True, slots=True)
class FillDesk:
    """Works accepted orders until they are filled or cancelled."""

    parts: Parts

    def work(self, order: Order) -> None:
        """Take an accepted order to its market, or park it until the market opens."""
        parts = self.parts
        order.status = "PreSubmitted"
        order.parked = not self.market_is_open(order)
        parts.tell(order)
        if order.parked:
            parts.warn(order, 399, _closed_text(parts, order))
            return
        if order.request.order_type != "MOC":
            self.submit(order)

    def submit(self, order: Order) -> None:
        """The exchange has the order; it fills after the usual latency."""
        order.parked = False
        order.status = "Submitted"
        if not self.parts.faults.met_by(order, SkipStatus):
            self.parts.tell(order)
        slow = self.parts.faults.met_by(order, SlowFill)
        delay = slow.after_ms if slow else self.parts.switches.latency.fill_ms
        order.on_its_way = True
        if delay is not None:
            self.parts.timers.after(delay, lambda: self._arrive(order))

    def market_is_open(self, order: Order) -> bool:
        """Whether the order may trade now; outside regular hours only limit orders that ask for it."""
        extended = order.request.outside_rth and order.request.order_type == "LMT"
        return self.parts.calendar(order.instrument).is_open(self.parts.now(), extended=extended)

    def try_fill(self, order: Order) -> None:
        """Fill what the market gives at this moment; the rest of an IOC order is cancelled."""
        if order.on_its_way:
            return
        price = self._executable_price(order)
        if price is not None:
            self._fill_at(order, price)
        if order.request.tif == "IOC" and not order.is_done:
            self.end(order, "Cancelled")

    def fill_at_close(self, order: Order) -> None:
        """Fill a market-on-close order in full at the last price."""
        self.execute(order, order.remaining, self.parts.market.price(order.instrument.con_id))

    def end(self, order: Order, status: str) -> None:
        """The order is cancelled, by whomever."""
        order.status = "Cancelled"
        order.parked = False
        order.done_at = self.parts.now()
        self.parts.note("order_cancelled", order, status=status, filled=str(order.filled))
        self.parts.tell(order)

    def execute(self, order: Order, quantity: Decimal, price: Decimal) -> None:
        """Book an execution and tell everyone whom it concerns."""
        execution = self._booked(order, quantity, price)
        if not order.remaining:
            order.status = "Filled"
            order.done_at = self.parts.now()
        self.parts.note("fill", order, quantity=str(quantity), price=str(price), exec_id=execution.exec_id)
        self._report(order, execution)
        self._correct_later(execution)
        cut = self.parts.faults.met_by(order, Disconnect)
        if cut and cut.when == "filled":
            self.parts.hub.publish(ConnectionCut(order.client_id))

    def correct_last(self, account_id: str, *, quantity: Decimal | None = None, price: Decimal | None = None) -> None:
        """Correct the account's latest execution, or bust it (no shares); harmless when it has none."""
        mine = [each for each in self.parts.executions.standing() if each.order.account == account_id]
        if mine:
            self._correct(mine[-1], mine[-1].corrected(quantity, price))

    def _arrive(self, order: Order) -> None:
        order.on_its_way = False
        self.try_fill(order)

    def _executable_price(self, order: Order) -> Decimal | None:
        if not order.can_fill or order.parked or not self.market_is_open(order):
            return None
        if order.request.order_type == "MOC" or self.parts.market.state(order.instrument.con_id).halted:
            return None
        quote = self.parts.market.quote(order.instrument)
        price = quote.ask if order.side == "BUY" else quote.bid
        limit = order.request.limit_price if order.request.order_type == "LMT" else None
        if price is None or limit is None:
            return price
        return price if (limit >= price if order.side == "BUY" else limit <= price) else None

    def _fill_at(self, order: Order, price: Decimal) -> None:
        partial = self.parts.faults.met_by(order, PartialFill)
        if partial is None:
            self.execute(order, order.remaining, price)
        elif not order.filled:
            self._fill_partly(order, partial, price)

    def _fill_partly(self, order: Order, partial: PartialFill, price: Decimal) -> None:
        quantity = min(partial.quantity, order.remaining)
        if quantity:
            self.execute(order, quantity, price)
        if partial.rest_after_ms is not None and not order.is_done:
            self.parts.timers.after(partial.rest_after_ms, lambda: self._fill_rest(order))

    def _fill_rest(self, order: Order) -> None:
        price = self._executable_price(order)
        if price is not None and order.remaining:
            self.execute(order, order.remaining, price)

    def _booked(self, order: Order, quantity: Decimal, price: Decimal) -> Execution:
        fee = commission(self.parts.spec.commission, quantity, order.commission)
        trade = Trade(order.instrument, order.side, quantity, price, fee)
        was_closing = self.parts.accounts.get(order.account).ledger.quantity(order.instrument.con_id)
        order.filled += quantity
        order.paid += quantity * price
        order.last_price = price
        order.commission += fee
        realized = self.parts.accounts.book(order.account, trade)
        execution = Execution(
            exec_id=self.parts.executions.next_id(),
            order=order,
            at=self.parts.now(),
            quantity=quantity,
            price=price,
            cumulative=order.filled,
            avg_price=order.avg_fill_price,
            commission=fee,
            realized=realized if was_closing * trade.signed_quantity < 0 else None,
        )
        self.parts.executions.add(execution)
        return execution

    def _report(self, order: Order, execution: Execution) -> None:
        late = self.parts.faults.met_by(order, StatusBeforeExecution)
        if late:
            self.parts.tell(order)
            self.parts.timers.after(late.after_ms, lambda: self._tell_execution(execution))
            return
        self._tell_execution(execution)
        if not self.parts.faults.met_by(order, SkipStatus):
            self.parts.tell(order)

    def _tell_execution(self, execution: Execution) -> None:
        if self.parts.faults.met_by(execution.order, NoAnswer):
            return
        repeat = 2 if self.parts.faults.met_by(execution.order, DuplicateExecution) else 1
        for _ in range(repeat):
            self.parts.hub.publish(Executed(execution))
        self.parts.hub.publish(CommissionCharged(execution))

    def _correct_later(self, execution: Execution) -> None:
        fault = self.parts.faults.met_by(execution.order, CorrectExecution)
        if fault:
            corrected = execution.corrected(fault.quantity, fault.price)
            self.parts.timers.after(fault.after_ms, lambda: self._correct(execution, corrected))

    def _correct(self, wrong: Execution, right: Execution) -> None:
        order = wrong.order
        order.filled += right.quantity - wrong.quantity
        order.commission += right.commission - wrong.commission
        order.paid += right.quantity * right.price - wrong.quantity * wrong.price
        self.parts.accounts.correct(order.account, _trade_of(wrong), _trade_of(right))
        self.parts.executions.add(right)
        self.parts.note(
            "correction", order, exec_id=right.exec_id, quantity=str(right.quantity), price=str(right.price)
        )
        self.parts.hub.publish(Executed(right))
        self.parts.hub.publish(CommissionCharged(right))


def _trade_of(execution: Execution) -> Trade:
    return Trade(execution.instrument, execution.side, execution.quantity, execution.price, execution.commission)


def _closed_text(parts: Parts, order: Order) -> str:
    calendar = parts.calendar(order.instrument)
    opening = calendar.next_open(parts.now())
    when = f"{opening:%Y-%m-%d %H:%M:%S} {calendar.spec.time_zone}" if opening else "the market opens"
    words = f"{order.side} {order.request.quantity} {order.instrument.symbol} {order.instrument.primary_exchange}"
    return f"Order Message:\n{words}\nWarning: Your order will not be placed at the exchange until {when}."
