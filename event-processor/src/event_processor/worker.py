"""The single worker: takes the lease, takes over what a dead worker held, and works event by event until stopped.

Stopping (SIGTERM) claims nothing and places no order any more. What is in flight is followed for the grace period; an
attempt that has not ended by then is cut short and its event put at the back of the queue for the next start, at
once: counted as one more attempt when it may have sent orders, so that no orderRef is ever used twice, and unchanged
when it has not. Orders that are still alive then are the next attempt's to cancel or to find filled.

Losing the lease cuts everything short: nothing more is sent, nothing more is written; the next holder recovers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, assert_never

import structlog

from event_processor.attempt import AttemptOutcome, Completed, Delayed, Failed, Interrupted
from event_processor.audit_trail import SLOT, AuditTrail
from event_processor.commands import CommandRunner
from event_processor.errors import Stopping
from event_processor.failures import FailureKind, classify, explain, pause_after
from event_processor.lease_guard import LeaseGuard
from event_processor.lease_keeper import LeaseKeeper
from event_processor.patient_writes import PatientWrites
from event_processor.result import failure_result
from event_processor.side_by_side import first_of
from event_processor.worker_status import WorkerStatus
from event_queue.errors import LeaseLost
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.ports import WorkerQueue
from service_runtime.clock import Clock
from service_runtime.log_setup import bind_event
from service_runtime.settings import ProcessingSettings

_log = structlog.get_logger(__name__)

_LONGEST_IDLE: Final = timedelta(seconds=5)
_AT_ONCE: Final = timedelta(0)
_CANCELLED_WITHIN: Final = Failed(FailureKind.UNEXPECTED, "something inside the attempt cancelled it")
"""A library that lets a cancellation escape fails the event, not the worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Runs until `stop` is set. Everything it needs is given to it."""

    queue: WorkerQueue
    commands: CommandRunner
    keeper: LeaseKeeper
    guard: LeaseGuard
    clock: Clock
    settings: ProcessingSettings
    status: WorkerStatus
    stop: asyncio.Event
    while_leading: Sequence[Callable[[], Coroutine[Any, Any, None]]] = ()
    """What runs for ever beside the work, but only while the lease is held."""
    take_charge: Callable[[], Awaitable[None]] | None = None
    """Called with the fresh lease before anything else: what must be in order before the queue is touched."""
    step_down: Callable[[], Awaitable[None]] | None = None
    """Called when the lease was given up or lost, before another worker needs what this one had open."""

    async def run(self) -> None:
        """Stand by for the lease, lead, and stand by again when it is lost; returns once `stop` is set."""
        while not self.stop.is_set():
            lease = await first_of(self.keeper.acquire(), self.stop.wait())
            if isinstance(lease, Lease):
                await self._lead(lease)

    async def _lead(self, lease: Lease) -> None:
        self.status.holding(lease)
        try:
            await self._serve_beside_companions(lease)
        except* LeaseLost as lost:
            _log.error("lease_lost", token=lease.token, reason=str(lost.exceptions[0]))
        else:
            await self.keeper.release(lease)
        finally:
            self.status.holding(None)
            if self.step_down is not None:
                await self.step_down()

    async def _serve_beside_companions(self, lease: Lease) -> None:
        """Work while the lease is renewed: when either fails, the other is cancelled."""
        async with asyncio.TaskGroup() as group:
            companions = [group.create_task(self.keeper.keep(lease))]
            companions += [group.create_task(companion()) for companion in self.while_leading]
            await self._serve(lease)
            for companion in companions:
                companion.cancel()

    async def _serve(self, lease: Lease) -> None:
        patiently = PatientWrites(self.clock, self.guard)
        if self.take_charge is not None:
            await patiently(self.take_charge)
        repeat_pause = timedelta(seconds=self.settings.pause_unexpected_seconds)
        for event in await patiently(lambda: self.queue.recover(lease, repeat_pause=repeat_pause)):
            _log.warning("event_recovered", event_id=str(event.event_id), times_queued=event.times_queued)
        event: RebalanceEvent | None = None
        while not self.stop.is_set():
            event = event or await patiently(lambda: self.queue.claim(lease, SLOT))
            if event is None:
                await first_of(self._wait_for_work(patiently), self.stop.wait())
            else:
                event = await self._process(lease, event, patiently)
        if event is not None:
            await self._hand_back(lease, event, patiently)

    async def _wait_for_work(self, patiently: PatientWrites) -> None:
        await patiently(lambda: self.queue.wait_for_work(at_most=_LONGEST_IDLE))

    async def _process(self, lease: Lease, event: RebalanceEvent, patiently: PatientWrites) -> RebalanceEvent | None:
        """Work on one event and write down how it ended; the next event, when one was claimed with it."""
        with bind_event(event_id=event.event_id, account_id=event.account_id):
            self.status.working_on(event, self.clock.now())
            _log.info("event_started", command=event.exec_command.value, times_queued=event.times_queued)
            trail = AuditTrail(self.queue, patiently, lease, event)
            outcome = await self._attempt_until_stopped(event, trail)
            following = await self._conclude(lease, event, outcome, patiently)
            self.status.done_with(event, type(outcome).__name__.lower(), self.clock.now())
        return following

    async def _attempt_until_stopped(self, event: RebalanceEvent, trail: AuditTrail) -> AttemptOutcome:
        """Run the attempt; once `stop` is set, give it the grace period to end by itself."""
        attempt = asyncio.ensure_future(self._attempt(event, trail))
        stopping = asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait({attempt, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not attempt.done():
                _log.info("shutdown_waits_for_attempt", at_most_seconds=self.settings.shutdown_grace_seconds)
                await asyncio.wait({attempt}, timeout=self.settings.shutdown_grace_seconds)
            if not attempt.done():
                return Interrupted(orders_sent=trail.orders_intended > 0)
            return _CANCELLED_WITHIN if attempt.cancelled() else attempt.result()
        finally:
            for future in (attempt, stopping):
                future.cancel()
            await asyncio.gather(attempt, stopping, return_exceptions=True)

    async def _attempt(self, event: RebalanceEvent, trail: AuditTrail) -> AttemptOutcome:
        try:
            return await self.commands.run(event, recorder=trail, guard=self.guard)
        except LeaseLost:
            raise
        except Stopping:
            return Interrupted(orders_sent=trail.orders_intended > 0)
        except Exception as error:  # noqa: BLE001 - whatever it is, the event must not be lost nor the worker end
            kind = classify(error)
            _log.warning("attempt_failed", kind=kind.value, error=explain(error), exc_info=kind.needs_traceback)
            return Failed(kind, explain(error))

    async def _conclude(
        self, lease: Lease, event: RebalanceEvent, outcome: AttemptOutcome, patiently: PatientWrites
    ) -> RebalanceEvent | None:
        match outcome:
            case Completed(result):
                claim_next = not self.stop.is_set()
                _log.info("event_completed", status=result.get("status"), message=result.get("message"))
                return await patiently(
                    lambda: self.queue.complete(lease, SLOT, event, result=result, claim_next=claim_next)
                )
            case Delayed(until, reason):
                _log.info("event_delayed", until=until.isoformat(), reason=reason)
                await patiently(lambda: self.queue.delay(lease, SLOT, event, until=until, reason=reason))
            case Failed():
                await self._requeue(lease, event, outcome, patiently)
            case Interrupted(orders_sent):
                await self._hand_back(lease, event, patiently, orders_sent=orders_sent)
            case _:
                assert_never(outcome)
        return None

    async def _requeue(self, lease: Lease, event: RebalanceEvent, failure: Failed, patiently: PatientWrites) -> None:
        pause = pause_after(failure.kind, self.settings)
        result = failure_result(event, kind=failure.kind.value, message=failure.error, now=self.clock.now())
        _log.info("event_requeued", kind=failure.kind.value, pause_seconds=pause.total_seconds())
        await patiently(
            lambda: self.queue.requeue(lease, SLOT, event, pause=pause, error=failure.error, result={**result})
        )

    async def _hand_back(
        self, lease: Lease, event: RebalanceEvent, patiently: PatientWrites, *, orders_sent: bool = False
    ) -> None:
        """Leave the event to the next start: counted when it may have sent orders, else exactly as it was."""
        reason = "the service stopped before the attempt ended"
        _log.warning("event_handed_back", event_id=str(event.event_id), orders_sent=orders_sent)
        if orders_sent:
            await patiently(lambda: self.queue.requeue(lease, SLOT, event, pause=_AT_ONCE, error=reason, result={}))
        else:
            now = self.clock.now()
            await patiently(lambda: self.queue.delay(lease, SLOT, event, until=now, reason=reason))
