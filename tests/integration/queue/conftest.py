"""What the tests against real servers share."""

from datetime import timedelta

import pytest

from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue


@pytest.fixture
async def lease(redis_queue: RedisQueue) -> Lease:
    """The lease, in the hands of the test's worker."""
    lease = await redis_queue.worker.acquire_lease("worker-a", ttl=timedelta(minutes=1))
    assert isinstance(lease, Lease)
    return lease
