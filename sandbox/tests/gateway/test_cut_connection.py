"""A client that is gone while much is queued for it."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from sandbox.gateway.connection import Connection


@pytest.fixture
async def connection() -> AsyncGenerator[Connection]:
    """To a client that never reads."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield Connection(writer, lambda: 0, lambda: False)
        writer.close()


async def test_nothing_is_written_to_a_connection_that_is_cut(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """What is queued still is dropped; each write to a closed socket would be a warning in the log."""
    for number in range(50):
        connection.send(["a message", number])
    connection.finish()
    connection.cut()

    await connection.write_out()

    assert caplog.messages == []
