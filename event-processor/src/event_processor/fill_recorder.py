"""Writing executions down, each once, whoever hears of it first."""

import re
from collections import OrderedDict
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
_MOST_REMEMBERED: Final = 10_000
"""Executions that are not even sent to the queue again; it would recognise them all the same."""


@dataclass(frozen=True, slots=True)
class FillRecorder:
    """Records executions of our orders under their events, under one lease."""

    queue: WorkerQueue
    lease: Lease
    patiently: PatientWrites
    _written: "OrderedDict[str, Fill]" = field(default_factory=OrderedDict[str, Fill])

    async def record(self, fill: Fill) -> None:
        """Write an execution down, unless it is not of our orders or stands written already.

        Raises:
            LeaseLost: the lease has passed on.
        """
        event_id = event_of(fill.order_ref)
        if event_id is None or self._written.get(fill.exec_id) == fill:
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
            self._remember(fill)
        else:  # whose event an emptied Redis may get back from history: told again, it is tried again
            _log.warning("fill_of_unknown_event", order_ref=fill.order_ref, exec_id=fill.exec_id)

    def _remember(self, fill: Fill) -> None:
        self._written[fill.exec_id] = fill
        if len(self._written) > _MOST_REMEMBERED:
            self._written.popitem(last=False)


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
        "commission": str(fill.commission),
        "executed_at": fill.executed_at.isoformat(),
        **corrected,
    }
