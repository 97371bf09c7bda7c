"""Writing executions down, each once, whoever hears of it first."""

import re
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import structlog

from broker_connector_base import Fill
from event_processor.patient_writes import PatientWrites
from event_processor.rebalancer import trading_day
from event_queue.outcomes import Lease
from event_queue.ports.worker import WorkerQueue

_log = structlog.get_logger(__name__)

_ORDER_REF: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):\d+:(?:BUY|SELL):.+")


@dataclass(frozen=True, slots=True)
class FillRecorder:
    """Records executions of our orders under their events, under one lease.

    A brokerage repeats the day's executions at each look at an account. What stands written is not even sent to the
    queue again, which would recognise it all the same, for as long as one connection lasts: a day at most.
    """

    queue: WorkerQueue
    lease: Lease
    patiently: PatientWrites
    _written: dict[str, tuple[object, ...]] = field(default_factory=dict[str, tuple[object, ...]])
    """By id, what may be told otherwise later; whole fills would take ten times the room."""

    def forget(self) -> None:
        """Send everything to the queue once more when it is told again."""
        self._written.clear()

    async def record(self, fill: Fill) -> None:
        """Write an execution down, unless it is not of our orders or stands written already.

        Raises:
            LeaseLost: the lease has passed on.
        """
        event_id = event_of(fill.order_ref)
        changeable = (fill.quantity, fill.price, fill.commission, fill.commission_currency, fill.replaces)
        if event_id is None or self._written.get(fill.exec_id) == changeable:
            return
        is_known = await self.patiently(
            lambda: self.queue.record_fill(
                self.lease,
                event_id,
                fill.account_id,
                fill_details(fill),
                trading_day=trading_day(fill.executed_at),
            )
        )
        if is_known:
            self._written[fill.exec_id] = changeable
        else:  # whose event an emptied Redis may get back from history: told again, it is tried again
            _log.warning("fill_of_unknown_event", order_ref=fill.order_ref, exec_id=fill.exec_id)


def event_of(order_ref: str) -> UUID | None:
    """The event whose order carries this reference; None for orders that are not ours."""
    ours = _ORDER_REF.fullmatch(order_ref)
    return UUID(ours[1]) if ours else None


def fill_details(fill: Fill) -> dict[str, Any]:
    """One execution, in the words of the audit's tables."""
    corrected = {"replaces": list(fill.replaces)} if fill.replaces else {}
    return {
        "exec_id": fill.exec_id,
        "order_ref": fill.order_ref,
        "symbol": fill.symbol,
        "side": fill.side.value,
        "quantity": str(fill.quantity),
        "price": str(fill.price),
        "commission": None if fill.commission is None else str(fill.commission),
        "commission_currency": fill.commission_currency,
        "executed_at": fill.executed_at.isoformat(),
        **corrected,
    }
