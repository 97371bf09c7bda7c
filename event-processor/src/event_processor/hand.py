"""One of the worker's hands: what it takes from the queue, and how what it held is put down again."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, assert_never

import structlog
from structlog.typing import FilteringBoundLogger

from event_processor.attempt import AttemptOutcome, Completed, Delayed, Failed, Interrupted, Parked, Skipped
from event_processor.failures import pause_after
from event_processor.fill_recorder import FillRecorder
from event_processor.patient_writes import PatientWrites
from event_processor.result import failure_result
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.ports.worker import WorkerQueue
from service_runtime.clock import Clock
from service_runtime.settings import ProcessingSettings

_log = structlog.get_logger(__name__)

_AT_ONCE: Final = timedelta(0)
_STOPPED: Final = "the service stopped before the attempt ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """A slot of the queue under the worker's lease; it holds at most one event. Every write outlasts a short outage.

    All methods raise LeaseLost when the lease has passed on.
    """

    slot: str
    queue: WorkerQueue
    lease: Lease
    patiently: PatientWrites
    fills: FillRecorder
    clock: Clock
    settings: ProcessingSettings
    stop: asyncio.Event
    log: FilteringBoundLogger = field(default_factory=_log.bind)
    """Bound once, because a module's logger looks its configuration up again for every line."""

    async def claim(self) -> RebalanceEvent | None:
        """Take the next event, if there is one."""
        return await self.patiently.despite_damage(lambda: self.queue.claim(self.lease, self.slot))

    async def await_event(self, *, at_most: timedelta) -> RebalanceEvent | None:
        """Take the next event as soon as there is one; None after a time."""
        return await self.patiently.despite_damage(
            lambda: self.queue.await_event(self.lease, self.slot, at_most=at_most)
        )

    async def conclude(self, event: RebalanceEvent, outcome: AttemptOutcome) -> RebalanceEvent | None:
        """Write down how the attempt ended; the next event, when one was claimed with it."""
        match outcome:
            case Completed(result):
                self.log.info("event_completed", status=result.get("status"), message=result.get("message"))
                return await self._complete(event, result)
            case Skipped(result):
                self.log.info("event_skipped", message=result.get("message"), until=result.get("next_allowed_time"))
                return await self._skip(event, result)
            case Delayed(until, reason):
                self.log.info("event_delayed", until=until.isoformat(), reason=reason)
                await self.patiently.despite_damage(
                    lambda: self.queue.delay(self.lease, self.slot, event, until=until, reason=reason)
                )
            case Failed():
                await self._requeue(event, outcome)
            case Parked(reason, orders_sent):
                await self._park(event, reason, orders_sent=orders_sent)
            case Interrupted(orders_sent):
                await self.hand_back(event, orders_sent=orders_sent)
            case _:
                assert_never(outcome)
        return None

    async def hand_back(self, event: RebalanceEvent, *, orders_sent: bool = False) -> None:
        """Leave the event to the next start: counted when it may have sent orders, else exactly as it was."""
        self.log.warning("event_handed_back", event_id=str(event.event_id), orders_sent=orders_sent)
        if orders_sent:
            await self._count_on(event, _STOPPED)
        else:
            await self.patiently.despite_damage(
                lambda: self.queue.delay(self.lease, self.slot, event, until=None, reason=_STOPPED)
            )

    async def _complete(self, event: RebalanceEvent, result: Mapping[str, Any]) -> RebalanceEvent | None:
        claim_next = not self.stop.is_set()
        return await self.patiently.despite_damage(
            lambda: self.queue.complete(self.lease, self.slot, event, result=result, claim_next=claim_next)
        )

    async def _skip(self, event: RebalanceEvent, result: Mapping[str, Any]) -> RebalanceEvent | None:
        claim_next = not self.stop.is_set()
        return await self.patiently.despite_damage(
            lambda: self.queue.skip(self.lease, self.slot, event, result=result, claim_next=claim_next)
        )

    async def _requeue(self, event: RebalanceEvent, failure: Failed) -> None:
        pause = pause_after(failure.kind, self.settings)
        result = failure_result(event, kind=failure.kind.value, message=failure.error, now=self.clock.now())
        self.log.info("event_requeued", kind=failure.kind.value, pause_seconds=pause.total_seconds())
        await self.patiently.despite_damage(
            lambda: self.queue.requeue(
                self.lease, self.slot, event, pause=pause, error=failure.error, result={**result}
            )
        )

    async def _park(self, event: RebalanceEvent, reason: str, *, orders_sent: bool) -> None:
        """Put the event aside until trading is resumed.

        After orders were sent it is counted as one more attempt first, so that no orderRef is used twice; it is parked
        when its turn comes again.
        """
        self.log.warning("event_parked", reason=reason, orders_sent=orders_sent)
        if orders_sent:
            await self._count_on(event, reason)
        else:
            await self.patiently.despite_damage(lambda: self.queue.park(self.lease, self.slot, event, reason=reason))

    async def _count_on(self, event: RebalanceEvent, reason: str) -> None:
        await self.patiently.despite_damage(
            lambda: self.queue.requeue(self.lease, self.slot, event, pause=_AT_ONCE, error=reason, result={})
        )
