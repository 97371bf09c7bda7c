"""Writes to the queue that outlast a short absence of Redis."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from event_processor.lease_guard import LeaseGuard
from event_processor.side_by_side import first_of
from event_queue.errors import CorruptQueue, QueueUnavailable
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = 1.0
DAMAGE_SECONDS: Final = 5.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PatientWrites:
    """Repeats a write, which the queue allows any number of times, for as long as the lease is certainly ours."""

    clock: Clock
    guard: LeaseGuard

    async def __call__(self, write: Callable[[], Awaitable[T]]) -> T:
        """The answer of the first try that Redis answered.

        Raises:
            LeaseLost: the lease passed on, or ran out while Redis was away.
        """
        while True:
            self.guard.require_lease()
            try:
                return await write()
            except QueueUnavailable as error:
                _log.warning("queue_write_failed", reason=str(error), next_try_seconds=RETRY_SECONDS)
                await self.clock.pause(RETRY_SECONDS)

    async def despite_damage(self, write: Callable[[], Awaitable[T]]) -> T:
        """Such an answer, also where Redis holds what the queue never wrote: as soon as somebody has put it right.

        Raises:
            LeaseLost: as above.
            CorruptQueue: the service stops before that.
        """
        told = ""
        while True:
            try:
                return await self(write)
            except CorruptQueue as error:
                if self.guard.is_stopping:
                    raise
                if str(error) != told:
                    _log.error("redis_keys_corrupt", reason=str(error), next_try_seconds=DAMAGE_SECONDS)
                told = str(error)
            await first_of(self.clock.pause(DAMAGE_SECONDS), self.guard.until_stopping())
