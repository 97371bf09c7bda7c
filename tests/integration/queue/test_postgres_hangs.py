"""PostgreSQL stands still amid a statement, as on a hung disk: nobody waits for it longer than he meant to."""

import asyncio
from collections.abc import AsyncGenerator, Iterator

import pytest

from event_queue.errors import AuditUnavailable
from event_queue.postgres_pool import AuditPool, open_pool
from event_queue.testing.postgres_server import PostgresServer, running_postgres
from event_queue.testing.relays import address_of

pytestmark = pytest.mark.integration

TABLE = "CREATE TABLE words (number integer, word text)"
USE_SECONDS = 0.5
AT_MOST = 20
"""Seconds after which a test gives up, many times what it should take."""


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server that the test may freeze."""
    with running_postgres() as server:
        try:
            yield server
        finally:
            server.thaw()


@pytest.fixture
async def pool(server: PostgresServer) -> AsyncGenerator[AuditPool]:
    """A pool with a connection at hand, whose uses are short."""
    dsn = await server.create_database(TABLE)
    async with open_pool(address_of(dsn), use_seconds=USE_SECONDS) as pool:
        async with pool.connection("warm up") as connection:
            await connection.fetchval("SELECT 1")
        yield pool


def freezing(server: PostgresServer) -> Iterator[tuple[int, str]]:
    """More rows than the sockets between us and PostgreSQL hold, which freezes while they are sent."""
    for number in range(4000):
        if number == 1000:
            server.freeze()
        yield number, "x" * 5000


async def copy(pool: AuditPool, server: PostgresServer) -> None:
    async with pool.connection("copy") as connection, connection.transaction():
        await connection.copy_records_to_table("words", records=freezing(server))


async def count(pool: AuditPool) -> int:
    async with pool.connection("count") as connection:
        return await connection.fetchval("SELECT count(*) FROM words")


async def test_a_copy_is_cut_off_in_time(
    pool: AuditPool, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Ending the connection does not wake who waits for room to send: history stood still until a restart."""
    async with asyncio.timeout(AT_MOST):
        with pytest.raises(AuditUnavailable, match=r"copy: .* not done within 0\.5 s"):
            await copy(pool, server)
    await asyncio.to_thread(server.thaw)

    assert await count(pool) == 0
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []


@pytest.mark.parametrize("amid", ["copy", "question"])
async def test_a_use_that_is_cancelled_ends_as_cancelled(pool: AuditPool, server: PostgresServer, amid: str) -> None:
    """Putting the connection back failed in its place, after five seconds: whoever cancelled was not obeyed."""
    if amid == "question":
        await asyncio.to_thread(server.freeze)
    using = asyncio.create_task(copy(pool, server) if amid == "copy" else ask_until_cancelled(pool))
    await asyncio.wait({using}, timeout=USE_SECONDS / 2)
    using.cancel()
    await asyncio.wait({using}, timeout=4 * USE_SECONDS)

    assert using.cancelled()
    await asyncio.to_thread(server.thaw)
    assert await count(pool) == 0


async def ask_until_cancelled(pool: AuditPool) -> None:
    async with pool.connection("question") as connection:
        await connection.fetchval("SELECT 1")
