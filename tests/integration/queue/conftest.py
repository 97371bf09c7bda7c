"""What the tests against real servers share."""

from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from typing import Any, cast

import asyncpg
import pytest

from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.testing.leading import lead
from event_queue.testing.lossy_proxy import LossyProxy, open_proxy
from event_queue.testing.redis_server import RedisServer, running_redis


@pytest.fixture
async def lease(redis_queue: RedisQueue) -> Lease:
    """The lease, in the hands of the test's worker."""
    return await lead(redis_queue.worker)


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncGenerator[Any]:
    """A connection of the test's own to the same PostgreSQL."""
    connection: Any = await cast("Any", asyncpg).connect(postgres_dsn)
    yield connection
    await connection.close()


@pytest.fixture
def own_redis() -> Generator[RedisServer]:
    """A server that the test may end, reconfigure, and whose file it may cut."""
    with running_redis() as server:
        yield server


@pytest.fixture
async def own_queue(own_redis: RedisServer) -> AsyncGenerator[RedisQueue]:
    """The queue on that server."""
    async with open_redis(own_redis.address) as queue:
        yield queue


@pytest.fixture
async def proxy(redis_server: RedisServer) -> AsyncGenerator[LossyProxy]:
    """A proxy before the common Redis."""
    async with open_proxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
async def far_queue(redis_server: RedisServer, proxy: LossyProxy) -> AsyncGenerator[RedisQueue]:
    """The common queue, emptied, reached through the proxy."""
    async with open_redis(replace(redis_server.address, port=proxy.port)) as queue:
        await queue.client.flushall()
        yield queue
