"""Connections to PostgreSQL, and its errors translated into the queue's own at one edge."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from event_queue.errors import AuditUnavailable
from event_queue.postgres_connect import connect

_CONNECT_SECONDS: Final = 5.0
_USE_SECONDS: Final = 20.0
"""For everything that a connection is taken out of the pool for."""
_UNAVAILABLE: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where the audit's PostgreSQL is."""

    host: str
    database: str
    user: str
    port: int = 5432
    password: str | None = None
    max_connections: int = 5


class AuditPool:
    """A bounded pool whose every failure is AuditUnavailable, except those that the caller asked to see."""

    def __init__(self, pool: Any, *, use_seconds: float) -> None:
        """Take an open asyncpg pool, which stays the caller's to close, and how long one use may last."""
        self._pool = pool
        self._use_seconds = use_seconds

    @asynccontextmanager
    async def connection(self, action: str) -> AsyncGenerator[Any]:
        """A connection of the pool, for what `action` says.

        One that has not done it in time is cut off: a PostgreSQL that hangs answers neither a cancellation nor a
        rollback, and waiting for those would take several times as long.

        Raises:
            AuditUnavailable: PostgreSQL could not be reached, did not answer in time, or refused to serve.
        """
        try:
            async with self._pool.acquire(timeout=_CONNECT_SECONDS) as connection:
                overdue = asyncio.get_running_loop().call_later(self._use_seconds, connection.terminate)
                try:
                    yield connection
                finally:
                    overdue.cancel()
                    _end_amid_transaction(connection)
        except _UNAVAILABLE as error:
            raise AuditUnavailable(f"{action}: PostgreSQL did not serve: {error or type(error).__name__}") from error


def _end_amid_transaction(connection: Any) -> None:
    """End a connection whose transaction could not be ended, as when PostgreSQL dies: it will not be any better."""
    with suppress(asyncpg.InterfaceError):  # it has ended by itself
        if connection.is_in_transaction():
            connection.terminate()


async def apply_schema(pool: AuditPool, sql_text: str) -> None:
    """Run the text of `init.sql`, which may be run any number of times.

    Raises:
        AuditUnavailable: PostgreSQL did not answer.
    """
    async with pool.connection("apply_schema") as connection:
        await connection.execute(sql_text)


@asynccontextmanager
async def open_pool(address: PostgresAddress, *, use_seconds: float = _USE_SECONDS) -> AsyncGenerator[AuditPool]:
    """Open a pool that connects at first use, so PostgreSQL may come up later; an overdue use is cut off."""
    driver: Any = asyncpg
    pool = driver.create_pool(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database=address.database,
        min_size=0,
        max_size=address.max_connections,
        timeout=_CONNECT_SECONDS,
        reset=_leave,
        connect=connect,
    )
    async with pool:
        try:
            yield AuditPool(pool, use_seconds=use_seconds)
        finally:
            await _close(pool)


async def _leave(_: Any) -> None:
    """Between two uses of a connection: none changes its session, so nothing is put back, at a round trip each."""


async def _close(pool: Any) -> None:
    """Close in good order, or at once when PostgreSQL no longer answers."""
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            await pool.close()
    except TimeoutError:
        pool.terminate()
