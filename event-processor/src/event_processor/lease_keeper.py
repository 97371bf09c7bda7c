"""Getting the lease, keeping it, and standing by while somebody else has it.

A Redis that was emptied, or has started anew and may come from an older file, may have forgotten a lease on which its
holder still counts. So a lease from it is held unused for its whole length first: by then every earlier one has ended.
Whoever counts on an earlier one himself need not wait, for then nobody else does. Nor need anybody, once the
event-broker has found that this Redis has forgotten nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog

from event_processor.lease_guard import LeaseGuard
from event_processor.lease_holder import LeaseHolder
from event_processor.side_by_side import started
from event_queue.errors import CorruptQueue, LeaseLost, QueueUnavailable
from event_queue.outcomes import Lease, LeaseHeld
from event_queue.ports.operators import ComponentBoard
from event_queue.ports.worker import WorkerQueue
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)

_LONGEST_STANDBY_SECONDS: Final = 5.0
"""Upper bound of one wait for another holder's lease, which may be released long before it expires."""
_SHORTEST_STANDBY_SECONDS: Final = 0.05
_RENEWALS_PER_TTL: Final = 3
_RETRY_SECONDS: Final = 1.0
NOT_SOLE: Final = (
    "Redis was emptied or has started anew, and another worker may still count on a lease that it has forgotten"
)
"""Why a lease is not used at once."""


@dataclass(frozen=True, slots=True)
class LeaseKeeper:
    """The worker's claim on being the only one."""

    queue: WorkerQueue
    clock: Clock
    guard: LeaseGuard
    holder: LeaseHolder
    ttl: timedelta
    tell_waiting: Callable[[Lease, float], Awaitable[None]] | None = None
    """Called again and again while a lease is not used yet, with the seconds for which it is not."""
    board: ComponentBoard | None = None
    """Where whoever compares Redis with its history reports: that may end the wait."""

    async def acquire(self) -> Lease:
        """Wait for a lease that may be used, as a hot standby while another process holds it; ends only with it."""
        while True:
            outcome = await self._try_acquire()
            if isinstance(outcome, Lease) and (outcome.is_sole or await self._outwait_others(outcome)):
                _log.info("lease_acquired", token=outcome.token)
                return replace(outcome, is_sole=True)
            await self.clock.pause(self._standby_seconds(outcome))

    async def keep(self, lease: Lease) -> None:
        """Renew the lease at a third of its length, forever.

        Raises:
            LeaseLost: it has passed on, or could not be renewed before the guard's deadline.
        """
        while True:
            await self.clock.pause(self._interval_seconds)
            await self._renew(lease)

    async def release(self, lease: Lease) -> None:
        """Give the lease up, so that the next process starts at once; it expires by itself if Redis is away."""
        self.guard.give_up()
        try:
            await self.queue.release_lease(lease)
        except (QueueUnavailable, CorruptQueue) as error:
            _log.warning("lease_not_released", token=lease.token, reason=str(error))
        else:
            _log.info("lease_released", token=lease.token)

    async def _try_acquire(self) -> Lease | LeaseHeld | None:
        """One try, and a second at once when the holder is provably dead; None when Redis is away."""
        try:
            outcome = await self._ask(presumed_dead=None)
            if isinstance(outcome, LeaseHeld) and self.holder.is_provably_dead(outcome.token):
                _log.warning("lease_holder_dead", token=outcome.token)
                outcome = await self._ask(presumed_dead=outcome.token)
        except (QueueUnavailable, CorruptQueue) as error:
            _log.warning("lease_unreachable", reason=str(error))
            return None
        return outcome

    async def _ask(self, presumed_dead: str | None) -> Lease | LeaseHeld:
        asked_at = asyncio.get_running_loop().time()
        outcome = await self.queue.acquire_lease(self.holder.identity, ttl=self.ttl, presumed_dead=presumed_dead)
        if isinstance(outcome, LeaseHeld):
            self.guard.give_up()
            return outcome
        if not (outcome.is_sole or self.guard.remaining_seconds > 0):
            return outcome
        self.guard.extend(asked_at, self.ttl.total_seconds())
        return replace(outcome, is_sole=True)

    async def _outwait_others(self, lease: Lease) -> bool:
        """Hold the lease, unused, until every earlier one has ended; False when it could not be held.

        Pauses are measured by the monotonic clock, so that no clock that is set shortens them.
        """
        _log.warning("lease_not_used_yet", token=lease.token, seconds=self.ttl.total_seconds(), reason=NOT_SOLE)
        try:
            async with started(self._hold_unused(lease)) as held, started(self._until_vouched_for()) as vouched_for:
                ended, _ = await asyncio.wait({held, vouched_for}, return_when=asyncio.FIRST_COMPLETED)
                for wait in ended:
                    wait.result()
            await self._begin_to_use(lease)
        except (LeaseLost, QueueUnavailable, CorruptQueue) as error:
            _log.warning("lease_lost_unused", token=lease.token, reason=str(error))
            return False
        except asyncio.CancelledError:
            await self.release(lease)
            raise
        return True

    async def _hold_unused(self, lease: Lease) -> None:
        for left in range(_RENEWALS_PER_TTL, 0, -1):
            await self.queue.renew_lease(lease)
            if self.tell_waiting is not None:
                await self.tell_waiting(lease, left * self._interval_seconds)
            await self.clock.pause(self._interval_seconds)

    async def _until_vouched_for(self) -> None:
        """Wait until somebody has found that Redis has forgotten no lease; for ever where that cannot be followed."""
        if self.board is not None:
            with suppress(QueueUnavailable, CorruptQueue):
                async with self.board.following() as next_report:
                    while not await self._is_vouched_for():
                        await next_report(self._interval_seconds)
                    return
        await asyncio.get_running_loop().create_future()  # nobody tells it

    async def _is_vouched_for(self) -> bool:
        """Asks for the lease once more, which tells."""
        outcome = await self.queue.acquire_lease(self.holder.identity, ttl=self.ttl)
        return isinstance(outcome, Lease) and outcome.is_sole

    async def _begin_to_use(self, lease: Lease) -> None:
        asked_at = asyncio.get_running_loop().time()
        await self.queue.renew_lease(replace(lease, is_sole=True))
        self.guard.extend(asked_at, self.ttl.total_seconds())

    async def _renew(self, lease: Lease) -> None:
        while True:
            self.guard.require_lease()
            asked_at = asyncio.get_running_loop().time()
            try:
                await self.queue.renew_lease(lease)
            except (QueueUnavailable, CorruptQueue) as error:
                _log.warning("lease_renewal_failed", token=lease.token, reason=str(error))
                await self.clock.pause(min(_RETRY_SECONDS, max(self.guard.remaining_seconds, 0.0)))
            else:
                self.guard.extend(asked_at, self.ttl.total_seconds())
                return

    @property
    def _interval_seconds(self) -> float:
        return self.ttl.total_seconds() / _RENEWALS_PER_TTL

    def _standby_seconds(self, held: Lease | LeaseHeld | None) -> float:
        if not isinstance(held, LeaseHeld):
            return _RETRY_SECONDS
        remaining = held.remaining_ms / 1000
        _log.info("lease_standby", held_by=held.token, remaining_seconds=remaining)
        return min(max(remaining, _SHORTEST_STANDBY_SECONDS), _LONGEST_STANDBY_SECONDS)
