"""Connecting to PostgreSQL is cut short at every step of the loop, and nobody is told of anything left behind."""

import asyncio
import gc
from collections.abc import Generator
from contextlib import closing, suppress
from typing import Any

import pytest

from event_queue.errors import AuditUnavailable
from event_queue.postgres_pool import PostgresAddress, open_pool

MOST_TURNS = 40
"""More than connecting takes until it waits for an answer."""


class OneTurn:
    """Lets everybody else have one turn of the loop."""

    def __await__(self) -> Generator[None, None, None]:
        yield


async def _silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a connection and answer nothing, until the other side has enough."""
    with closing(writer), suppress(ConnectionError):
        await _reader.read()


async def _closed(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End each connection at once."""
    writer.close()


@pytest.mark.parametrize("serve", [_silent, _closed])
async def test_a_connect_that_is_cancelled_anywhere_leaves_no_error_behind(serve: Any) -> None:
    """As a stop does, which may find the driver in any line."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = PostgresAddress("127.0.0.1", "database", "user", port=server.sockets[0].getsockname()[1])

    async def cancelled_after(turns: int) -> None:
        async with open_pool(address) as pool:

            async def use() -> None:
                with suppress(AuditUnavailable):
                    async with pool.connection("test"):
                        pass

            using = asyncio.create_task(use())
            for _ in range(turns):
                await OneTurn()
            using.cancel()
            await asyncio.wait({using})

    async with server:
        await asyncio.gather(*(cancelled_after(turns) for turns in range(MOST_TURNS)))
        for _ in range(MOST_TURNS):
            await OneTurn()
    gc.collect()

    assert told == []
