"""The single worker: takes the lease, takes over what a dead worker held, and works event by event until stopped.

It has as many hands as `processing.concurrency`; each holds one event, and no two events of one account are worked on
at once. All hands share one lease.

Stopping (SIGTERM) claims nothing and places no order any more. What is in flight is followed for the grace period; an
attempt that has not ended by then is cut short and its event put at the back of the queue for the next start, at
once: counted as one more attempt when it may have sent orders, so that no orderRef is ever used twice, and unchanged
when it has not. Orders that are still alive then are the next attempt's to cancel or to find filled.

Losing the lease cuts all hands short: nothing more is sent, nothing more is written; the next holder recovers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog

from event_processor.attempts import Attempts
from event_processor.audit_trail import AuditTrail
from event_processor.begun_attempts import BegunAttempts
from event_processor.companions import Companions
from event_processor.errors import WorkCancelledWithin
from event_processor.fill_recorder import FillRecorder
from event_processor.hand import Hand
from event_processor.lease_guard import LeaseGuard
from event_processor.lease_keeper import LeaseKeeper
from event_processor.own_cancellation import only_cancelled_when_asked
from event_processor.patient_writes import DAMAGE_SECONDS, PatientWrites
from event_processor.side_by_side import first_of
from event_processor.stop_limits import StopLimits
from event_processor.worker_status import WorkerStatus
from event_queue.errors import CorruptQueue, LeaseLost, QueueError
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.ports.worker import WorkerQueue
from service_runtime.clock import Clock
from service_runtime.log_setup import bind_event
from service_runtime.settings import ProcessingSettings

_log = structlog.get_logger(__name__)

_LONGEST_IDLE: Final = timedelta(seconds=5)
_WAKING_SECONDS: Final = 1.0
"""For a wait to end by itself once the worker is to stop: what was claimed behind it is then known, and handed back."""

FreeHands = asyncio.Queue[Hand | WorkCancelledWithin]
"""Hands that hold nothing, or why one is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Runs until `stop` is set. Everything it needs is given to it."""

    queue: WorkerQueue
    attempts: Attempts
    keeper: LeaseKeeper
    guard: LeaseGuard
    clock: Clock
    settings: ProcessingSettings
    status: WorkerStatus
    stop: asyncio.Event
    limits: StopLimits
    """Of `stop`; shared with the attempts."""
    while_leading: Sequence[Callable[[], Coroutine[Any, Any, None]]] = ()
    """What runs for ever beside the work, but only while the lease is held."""
    keep_books: Sequence[Callable[[FillRecorder], Coroutine[Any, Any, None]]] = ()
    """What writes executions down for ever beside the work, under the lease."""
    take_charge: Callable[[], Awaitable[None]] | None = None
    """Called with the fresh lease before anything else: what must be in order before the queue is touched."""
    step_down: Callable[[], Awaitable[None]] | None = None
    """Called when the lease was given up or lost, before another worker needs what this one had open."""
    begun: BegunAttempts = field(default_factory=BegunAttempts)
    """Over all leases of this process."""

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
            _log.error("lease_lost", token=lease.token, reason=_words_of(lost))
        except* CorruptQueue as damage:
            _log.error("redis_keys_corrupt", token=lease.token, reason=_words_of(damage))
            await self.keeper.release(lease)
            await first_of(self.clock.pause(DAMAGE_SECONDS), self.stop.wait())
        except* WorkCancelledWithin as ended:
            _log.error("work_ended_by_itself", token=lease.token, reason=_words_of(ended))
            await self.keeper.release(lease)
        else:
            await self.keeper.release(lease)
        finally:
            self.status.holding(None)
            if self.step_down is not None:
                await self.step_down()

    async def _serve_beside_companions(self, lease: Lease) -> None:
        """Work while the lease is renewed: when either fails, the other is cancelled."""
        patiently = PatientWrites(self.clock, self.guard)
        fills = FillRecorder(self.queue, lease, patiently)
        async with asyncio.TaskGroup() as group:
            companions = [group.create_task(self.keeper.keep(lease)), group.create_task(self.limits.watch())]
            companions.append(group.create_task(self._wake_when_stopping()))
            beside = Companions(self.clock, self.status)
            companions += [group.create_task(beside.keep(_name_of(each), each)) for each in self.while_leading]
            companions += [
                group.create_task(beside.keep(_name_of(each), partial(each, fills))) for each in self.keep_books
            ]
            with only_cancelled_when_asked("the worker's loop"):
                await self._serve(fills, patiently)
            for companion in companions:
                companion.cancel()

    async def _serve(self, fills: FillRecorder, patiently: PatientWrites) -> None:
        if self.take_charge is not None:
            await patiently.despite_damage(self.take_charge)
        repeat_pause = timedelta(seconds=self.settings.pause_unexpected_seconds)
        recovered = await patiently.despite_damage(lambda: self.queue.recover(fills.lease, repeat_pause=repeat_pause))
        for event in recovered:
            _log.warning("event_recovered", event_id=str(event.event_id), times_queued=event.times_queued)
        await self._use_all_hands(fills, patiently)

    async def _use_all_hands(self, fills: FillRecorder, patiently: PatientWrites) -> None:
        """Put an event into each free hand until stopped; returns when all hands have put theirs down."""
        free: FreeHands = asyncio.Queue()
        for number in range(self.settings.concurrency):
            free.put_nowait(self._hand(str(number), fills, patiently))
        nothing_waits = False
        async with asyncio.TaskGroup() as at_work:
            while hand := await self._next_free(free):
                event = await (self._await_event(hand) if nothing_waits else hand.claim())
                nothing_waits = event is None
                if event is None:
                    free.put_nowait(hand)
                else:
                    at_work.create_task(self._work(hand, event, free))
            if self.status.is_busy:
                _log.info("shutdown_waits_for_attempts", at_most_seconds=self.settings.shutdown_grace_seconds)

    async def _next_free(self, free: FreeHands) -> Hand | None:
        """A hand as soon as one is free; None once the worker is to stop.

        Raises:
            WorkCancelledWithin: a hand is gone.
        """
        with suppress(TimeoutError), self.limits.after_stop(0):
            hand = await free.get()
            if isinstance(hand, WorkCancelledWithin):
                raise hand
            return None if self.stop.is_set() else hand
        return None

    async def _work(self, hand: Hand, event: RebalanceEvent, free: FreeHands) -> None:
        """Work on an event, and on those that are claimed at the end of the one before."""
        following: RebalanceEvent | None = event
        try:
            while following is not None and not self.stop.is_set():
                following = await self._process(hand, following)
            if following is not None:
                await hand.hand_back(following)
        except asyncio.CancelledError:
            # The group takes this for one it asked for; whoever waits for a hand knows that it did not.
            free.put_nowait(WorkCancelledWithin(f"work on event {event.event_id} was cancelled by nobody"))
            raise
        free.put_nowait(hand)

    async def _process(self, hand: Hand, event: RebalanceEvent) -> RebalanceEvent | None:
        """One attempt, and its end written down; the next event, when one was claimed with it."""
        with bind_event(event_id=event.event_id, account_id=event.account_id):
            self.begun.begin(event)
            self.status.working_on(event, self.clock.now())
            hand.log.info("event_started", command=event.exec_command.value, times_queued=event.times_queued)
            outcome = await self.attempts.run(event, AuditTrail(hand, event))
            following = await hand.conclude(event, outcome)
            self.begun.end(event, outcome)
            self.status.done_with(event, type(outcome).__name__.lower(), self.clock.now())
        return following

    async def _await_event(self, hand: Hand) -> RebalanceEvent | None:
        """The next event; None after a time, or when the worker is to stop and nobody answers."""
        with suppress(TimeoutError), self.limits.after_stop(_WAKING_SECONDS):
            return await hand.await_event(at_most=_LONGEST_IDLE)
        return None

    async def _wake_when_stopping(self) -> None:
        """Have the wait for an event end by itself: cut short, it might leave one claimed that nobody works on."""
        await self.stop.wait()
        with suppress(QueueError):
            await self.queue.wake()

    def _hand(self, slot: str, fills: FillRecorder, patiently: PatientWrites) -> Hand:
        return Hand(
            slot=slot,
            queue=self.queue,
            lease=fills.lease,
            patiently=patiently,
            fills=fills,
            clock=self.clock,
            settings=self.settings,
            stop=self.stop,
        )


def _name_of(companion: Callable[..., object]) -> str:
    return getattr(companion, "__qualname__", repr(companion))


def _words_of(group: BaseExceptionGroup[Exception]) -> str:
    """What the first of the errors says: groups hold groups when several hands fail together."""
    first = group.exceptions[0]
    return _words_of(first) if isinstance(first, BaseExceptionGroup) else str(first)
