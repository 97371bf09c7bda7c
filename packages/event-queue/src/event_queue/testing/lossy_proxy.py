"""A TCP proxy that loses replies: what a network does after the server has done its work."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

_CHUNK = 65536


class LossyProxy:
    """Forwards to one port of the loopback address, until told to lose a reply."""

    def __init__(self, target_port: int) -> None:
        """Take the port to forward to; `open_proxy` starts it."""
        self.port = 0
        self._target_port = target_port
        self._to_lose = 0
        self._lost = 0

    @property
    def lost(self) -> int:
        """Replies lost so far."""
        return self._lost

    def lose_next_reply(self) -> None:
        """Let the next request through, and cut its connection in place of the reply."""
        self._to_lose += 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        with suppress(ConnectionError):
            requests = asyncio.create_task(_pour(reader, server_writer))
            try:
                await self._carry_replies(server_reader, writer)
            finally:
                requests.cancel()
                for end in (server_writer, writer):
                    end.close()

    async def _carry_replies(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while data := await server.read(_CHUNK):
            if self._to_lose:
                self._to_lose -= 1
                self._lost += 1
                return
            client.write(data)
            await client.drain()


async def _pour(source: asyncio.StreamReader, drain: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(_CHUNK):
            drain.write(data)
            await drain.drain()
        drain.close()


@asynccontextmanager
async def open_proxy(target_port: int) -> AsyncGenerator[LossyProxy]:
    """A proxy on a free port, closed at the end."""
    proxy = LossyProxy(target_port)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(proxy.serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
