"""Writes to the queue that outlast a short absence of Redis."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from event_processor.lease_guard import LeaseGuard
from event_queue.errors import QueueUnavailable
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = 1.0

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
