"""The pieces that the desks of the brokerage share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sandbox.world.accounts import Accounts
from sandbox.world.book import OrderBook
from sandbox.world.events import EventHub, OrderChanged, OrderMessage
from sandbox.world.executions import ExecutionLog
from sandbox.world.faults import FaultBoard
from sandbox.world.hours import Calendar, TradingHours
from sandbox.world.instruments import Registry
from sandbox.world.journal import Journal, JournalKind
from sandbox.world.market import Market
from sandbox.world.orders import Order
from sandbox.world.refusals import Refusal
from sandbox.world.spec import InstrumentSpec, LatencySpec, WorldSpec
from sandbox.world.timers import Timers


@dataclass(slots=True)
class Switches:
    """What the operator may switch while the world runs."""

    latency: LatencySpec
    read_only: bool


@dataclass(frozen=True, slots=True)
class Parts:
    """One of everything. Desks hold this and nothing else but each other."""

    spec: WorldSpec
    now: Callable[[], datetime]
    switches: Switches
    registry: Registry
    market: Market
    hours: TradingHours
    accounts: Accounts
    book: OrderBook
    executions: ExecutionLog
    faults: FaultBoard
    journal: Journal
    timers: Timers
    hub: EventHub

    def calendar(self, instrument: InstrumentSpec) -> Calendar:
        return self.hours.of(instrument)

    def tell(self, order: Order) -> None:
        """Report the order's state to its owner, unless a fault keeps it from being spoken of."""
        if not order.silent:
            self.hub.publish(OrderChanged(order))

    def warn(self, order: Order, code: int, text: str) -> None:
        """Send a message about a living order to its owner."""
        if not order.silent:
            self.hub.publish(OrderMessage(order.client_id, order.order_id, code, text))

    def note(self, kind: JournalKind, order: Order, **details: object) -> None:
        """Journal something that happened to an order."""
        self.journal.record(
            kind,
            client_id=order.client_id,
            order_id=order.order_id,
            account=order.account,
            symbol=order.instrument.symbol,
            order_ref=order.request.order_ref,
            **details,
        )

    def refuse(self, client_id: int, order_id: int, refusal: Refusal) -> None:
        """Answer an order id with an error, and journal it."""
        self.journal.record(
            "order_refused",
            client_id=client_id,
            order_id=order_id,
            code=refusal.code,
            text=refusal.text,
        )
        self.hub.publish(OrderMessage(client_id, order_id, refusal.code, refusal.text))
