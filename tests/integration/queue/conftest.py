"""What the tests against real servers share."""

from collections.abc import AsyncGenerator
from typing import Any, cast

import asyncpg
import pytest

from event_queue.outcomes import Lease
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.redis_queue import RedisQueue
from event_queue.testing.leading import lead
from event_queue.testing.relays import address_of


@pytest.fixture
async def lease(redis_queue: RedisQueue) -> Lease:
    """The lease, in the hands of the test's worker."""
    return await lead(redis_queue.worker)


@pytest.fixture
async def audit(postgres_dsn: str) -> AsyncGenerator[PostgresAudit]:
    """The audit on PostgreSQL."""
    async with open_postgres(address_of(postgres_dsn)) as audit:
        yield audit


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncGenerator[Any]:
    """A connection of the test's own to the same PostgreSQL."""
    connection: Any = await cast("Any", asyncpg).connect(postgres_dsn)
    yield connection
    await connection.close()
