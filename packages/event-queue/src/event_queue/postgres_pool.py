"""Connections to PostgreSQL, and its errors translated into the queue's own at one edge."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from event_queue.errors import AuditUnavailable
from event_queue.postgres_connect import connect

_CONNECT_SECONDS: Final = 5.0
_USE_SECONDS: Final = 20.0
"""For everything that a connection is taken out of the pool for."""
_MOMENT_SECONDS: Final = 0.5
"""For a PostgreSQL that is well to end what was cut short, or a connection, before that is done without it."""
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

        What has not been done in time is cut short, as everything is that was cancelled, and the connection ended a
        moment later. Both are needed: ending it does not wake a COPY that waits for room to send, and after a
        cancellation the driver may wait for a PostgreSQL that hangs to say that it has heard of it.

        Raises:
            AuditUnavailable: PostgreSQL could not be reached, did not answer in time, or refused to serve.
        """
        try:
            connection = await self._pool.acquire(timeout=_CONNECT_SECONDS)
            loop = asyncio.get_running_loop()
            overdue = loop.call_later(self._use_seconds + 2 * _MOMENT_SECONDS, connection.terminate)
            limit = asyncio.timeout(self._use_seconds)
            try:
                async with limit:
                    yield connection
            except _UNAVAILABLE as error:
                if limit.expired():
                    raise TimeoutError(f"not done within {self._use_seconds:g} s") from error
                raise
            finally:
                overdue.cancel()
                await self._put_back(connection)
        except _UNAVAILABLE as error:
            reason = str(error) or type(error).__name__
            raise AuditUnavailable(f"{action}: PostgreSQL did not serve: {reason}") from error

    async def _put_back(self, connection: Any) -> None:
        """Return it to the pool; one that cannot be used again at once is ended, and what ended its use stands."""
        _end_amid_transaction(connection)
        with suppress(TimeoutError):
            await self._pool.release(connection, timeout=_MOMENT_SECONDS)


def _end_amid_transaction(connection: Any) -> None:
    """End a connection whose transaction could not be ended, as when PostgreSQL dies: it will not be any better."""
    with suppress(asyncpg.InterfaceError):  # it has ended by itself
        if connection.is_in_transaction():
            connection.terminate()


@asynccontextmanager
async def in_transaction(connection: Any) -> AsyncGenerator[None]:
    """What is done in it is done whole, or not at all when it raises; the rollback has a moment.

    The driver's own would wait as long as a PostgreSQL that hangs, whoever cancelled what was done. A connection of
    which nobody knows whether its transaction has ended is ended itself.
    """
    transaction = connection.transaction()
    with ExitStack() as unless_ended:
        unless_ended.callback(connection.terminate)
        await transaction.start()
        try:
            yield
        except BaseException:
            if await _is_rolled_back(transaction):
                unless_ended.pop_all()
            raise
        await transaction.commit()
        unless_ended.pop_all()


async def _is_rolled_back(transaction: Any) -> bool:
    with suppress(*_UNAVAILABLE):
        async with asyncio.timeout(_MOMENT_SECONDS):
            await transaction.rollback()
            return True
    return False


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
    """Close in good order, or at once when PostgreSQL no longer answers.

    All uses are over by now, so that nothing is waited for but the answer to a farewell.
    """
    try:
        async with asyncio.timeout(_MOMENT_SECONDS):
            await pool.close()
    except TimeoutError:
        pool.terminate()
