"""The lease as a worker has it when it begins to claim: taken, and what others held recovered."""

from datetime import timedelta
from typing import Final

from event_queue.outcomes import Lease
from event_queue.ports.worker import WorkerQueue

_A_MINUTE: Final = timedelta(minutes=1)


async def lead(
    worker: WorkerQueue, holder: str = "worker-a", *, ttl: timedelta = _A_MINUTE, presumed_dead: str | None = None
) -> Lease:
    """Take the lease, which is free or held by the presumed dead, and recover what that one held.

    Raises:
        TypeError: somebody else has the lease.
    """
    lease = await worker.acquire_lease(holder, ttl=ttl, presumed_dead=presumed_dead)
    if not isinstance(lease, Lease):
        raise TypeError(lease)
    await worker.recover(lease, repeat_pause=ttl)
    return lease
