"""Getting the lease, keeping it, and standing by while somebody else has it."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from event_processor.lease_guard import LeaseGuard
from event_processor.lease_holder import LeaseHolder
from event_queue.errors import CorruptQueue, QueueUnavailable
from event_queue.outcomes import Lease, LeaseHeld
from event_queue.ports.worker import WorkerQueue
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)

_LONGEST_STANDBY_SECONDS: Final = 5.0
"""Upper bound of one wait for another holder's lease, which may be released long before it expires."""
_SHORTEST_STANDBY_SECONDS: Final = 0.05
_RENEWALS_PER_TTL: Final = 3
_RETRY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class LeaseKeeper:
    """The worker's claim on being the only one."""

    queue: WorkerQueue
    clock: Clock
    guard: LeaseGuard
    holder: LeaseHolder
    ttl: timedelta

    async def acquire(self) -> Lease:
        """Wait for the lease, as a hot standby while another process holds it; ends only with the lease."""
        while True:
            outcome = await self._try_acquire()
            if isinstance(outcome, Lease):
                _log.info("lease_acquired", token=outcome.token)
                return outcome
            await self.clock.pause(self._standby_seconds(outcome))

    async def keep(self, lease: Lease) -> None:
        """Renew the lease at a third of its length, forever.

        Raises:
            LeaseLost: it has passed on, or could not be renewed before the guard's deadline.
        """
        interval = self.ttl.total_seconds() / _RENEWALS_PER_TTL
        while True:
            await self.clock.pause(interval)
            await self._renew(lease)

    async def release(self, lease: Lease) -> None:
        """Give the lease up, so that the next process starts at once; it expires by itself if Redis is away."""
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
        if isinstance(outcome, Lease):
            self.guard.extend(asked_at, self.ttl.total_seconds())
        return outcome

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

    def _standby_seconds(self, held: LeaseHeld | None) -> float:
        if held is None:
            return _RETRY_SECONDS
        remaining = held.remaining_ms / 1000
        _log.info("lease_standby", held_by=held.token, remaining_seconds=remaining)
        return min(max(remaining, _SHORTEST_STANDBY_SECONDS), _LONGEST_STANDBY_SECONDS)
