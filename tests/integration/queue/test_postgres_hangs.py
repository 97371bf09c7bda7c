"""PostgreSQL stands still amid a statement, as on a hung disk: nobody waits for it longer than he meant to."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

import pytest

from event_queue.errors import AuditUnavailable
from event_queue.postgres_pool import AuditPool, in_transaction, open_pool
from event_queue.testing.postgres_server import PostgresServer, running_postgres
from event_queue.testing.relays import address_of

pytestmark = pytest.mark.integration

TABLE = "CREATE TABLE words (number integer, word text)"
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


@asynccontextmanager
async def opened(server: PostgresServer, *, use_seconds: float) -> AsyncGenerator[AuditPool]:
    """A pool with a connection at hand."""
    dsn = await server.create_database(TABLE)
    async with open_pool(address_of(dsn), use_seconds=use_seconds) as pool:
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
    async with pool.connection("copy") as connection, in_transaction(connection):
        await connection.copy_records_to_table("words", records=freezing(server))


async def ask(pool: AuditPool) -> None:
    async with pool.connection("question") as connection:
        await connection.fetchval("SELECT 1")


async def count(pool: AuditPool) -> int:
    async with pool.connection("count") as connection:
        return await connection.fetchval("SELECT count(*) FROM words")


async def test_a_copy_is_cut_off_in_time(server: PostgresServer, caplog: pytest.LogCaptureFixture) -> None:
    """Ending the connection does not wake who waits for room to send: history stood still until a restart."""
    async with opened(server, use_seconds=0.5) as pool:
        async with asyncio.timeout(AT_MOST):
            with pytest.raises(AuditUnavailable, match=r"copy: .* not done within 0\.5 s"):
                await copy(pool, server)
        await asyncio.to_thread(server.thaw)

        assert await count(pool) == 0
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []


@pytest.mark.parametrize("amid", ["copy", "question"])
async def test_a_use_that_is_cancelled_ends_as_cancelled(server: PostgresServer, amid: str) -> None:
    """One cancellation is enough. Rollback and putting back would wait for PostgreSQL, and fail in its place."""
    async with opened(server, use_seconds=60) as pool:
        if amid == "question":
            await asyncio.to_thread(server.freeze)
        using = asyncio.create_task(copy(pool, server) if amid == "copy" else ask(pool))
        await asyncio.wait({using}, timeout=0.5)
        using.cancel()
        await asyncio.wait({using}, timeout=3)
        is_cancelled = using.done() and using.cancelled()
        await asyncio.to_thread(server.thaw)

        assert is_cancelled
        assert await count(pool) == 0


async def test_a_transaction_that_is_cancelled_leaves_nothing_for_the_pool_to_end(
    server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Wherever the cancellation comes, also amid its beginning and its end: the driver complained of one left open."""

    async def write(pool: AuditPool) -> None:
        async with pool.connection("write") as connection, in_transaction(connection):
            await connection.execute("INSERT INTO words VALUES (1, 'one')")

    async with opened(server, use_seconds=60) as pool:
        for turns in range(1, 60, 2):
            writing = asyncio.create_task(write(pool))
            for _ in range(turns):
                await asyncio.sleep(0)  # noqa: TID251 - lets it get that many steps far
            writing.cancel()
            await asyncio.wait({writing}, timeout=AT_MOST)

        assert await count(pool) <= 30
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []
