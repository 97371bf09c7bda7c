"""Writing executions down, each once, whoever hears of it first."""

import asyncio
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

    One is written after the other: of two words on one execution the later one has to be the last.
    """

    queue: WorkerQueue
    lease: Lease
    patiently: PatientWrites
    _written: dict[str, tuple[object, ...]] = field(default_factory=dict[str, tuple[object, ...]])
    """By id, what may be told otherwise later; whole fills would take ten times the room."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def forget(self) -> None:
        """Send everything to the queue once more when it is told again."""
        self._written.clear()

    async def record(self, fill: Fill) -> None:
        """Write an execution down as it is told now, unless it is not of our orders or stands written so already.

        Raises:
            LeaseLost: the lease has passed on.
        """
        async with self._turn:
            if self._written.get(fill.exec_id) != _changeable(fill):
                await self._write(fill)

    async def record_found(self, fill: Fill) -> None:
        """Write an execution down that was seen a while ago: what was told of it meanwhile stands, but a commission.

        Raises:
            LeaseLost: the lease has passed on.
        """
        async with self._turn:
            if self._written.get(fill.exec_id) in (None, _changeable(fill, is_paid=False)):
                await self._write(fill)

    async def _write(self, fill: Fill) -> None:
        event_id = event_of(fill.order_ref)
        if event_id is None:
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
            self._written[fill.exec_id] = _changeable(fill)
        else:  # whose event an emptied Redis may get back from history: told again, it is tried again
            _log.warning("fill_of_unknown_event", order_ref=fill.order_ref, exec_id=fill.exec_id)


def _changeable(fill: Fill, *, is_paid: bool = True) -> tuple[object, ...]:
    commission = (fill.commission, fill.commission_currency) if is_paid and fill.commission is not None else None
    return fill.quantity, fill.price, fill.replaces, commission


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
