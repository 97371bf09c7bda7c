"""The queue under contract: the same tests on the imitated Redis and on the real one."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.testing.fake_redis import fake_queue
from event_queue.testing.leading import lead
from event_queue.testing.redis_server import RedisServer

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.integration)])
async def queue(request: pytest.FixtureRequest) -> AsyncGenerator[RedisQueue]:
    """An empty queue."""
    if request.param == "fake":
        async with fake_queue() as queue:
            yield queue
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with open_redis(server.address) as queue:
        await queue.client.flushall()
        yield queue


@pytest.fixture
async def lease(queue: RedisQueue) -> Lease:
    """The lease, in the hands of the test's worker."""
    return await lead(queue.worker)
