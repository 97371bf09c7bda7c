"""Pytest fixtures for the whole repository: the queue on a real Redis, and a history and database of one's own.

One server of each kind a test process, started at first use. `redis_queue` empties its Redis before each test;
tests that kill or reconfigure a server open their own with `running_redis` or `running_postgres`.
"""

from collections.abc import AsyncGenerator, Generator

import pytest

from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.testing.postgres_server import PostgresServer, running_postgres
from event_queue.testing.redis_server import RedisServer, running_redis
from event_queue.testing.relays import address_of


@pytest.fixture(scope="session")
def redis_server() -> Generator[RedisServer]:
    """This test process's Redis; leave its settings as they are."""
    with running_redis() as server:
        yield server


@pytest.fixture
async def redis_queue(redis_server: RedisServer) -> AsyncGenerator[RedisQueue]:
    """An empty queue on the real Redis."""
    async with open_redis(redis_server.address) as queue:
        await queue.client.flushall()
        yield queue


@pytest.fixture(scope="session")
def postgres_server() -> Generator[PostgresServer]:
    """This test process's PostgreSQL."""
    with running_postgres() as server:
        yield server


@pytest.fixture
async def postgres_dsn(postgres_server: PostgresServer, pytestconfig: pytest.Config) -> str:
    """Connection string of a fresh database with the schema of `init.sql`."""
    schema = (pytestconfig.rootpath / "init.sql").read_text(encoding="utf-8")
    return await postgres_server.create_database(schema)


@pytest.fixture
async def audit(postgres_dsn: str) -> AsyncGenerator[PostgresAudit]:
    """A history of one's own on that database."""
    async with open_postgres(address_of(postgres_dsn)) as audit:
        yield audit
