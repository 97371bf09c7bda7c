"""A wire between the product and a store, which the driver damages: every fault of a network, on request."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from chaos.pulse import some_time

_CHUNK = 65536


@dataclass
class Damage:
    """What is wrong with the wire now."""

    replies_to_lose: int = 0
    """So many replies are swallowed, each with its connection, after the server has done its work."""
    requests_to_lose: int = 0
    """So many requests never arrive; their connections are reset."""
    refusals: int = 0
    """So many requests are answered with `refusal` instead of being forwarded."""
    refusal: bytes = b"-LOADING Redis is loading the dataset in memory\r\n"
    longest_delay: float = 0
    """Each reply waits for a random part of so many seconds."""
    splits: bool = False
    """Bytes arrive one by one."""
    is_dead: bool = False
    """Nothing passes, and nobody is told: a black hole."""


class Wire:
    """Forwards connections to one port of the loopback address."""

    def __init__(self, target_port: int, chance: random.Random) -> None:
        self.port = 0
        self.damage = Damage()
        self.lost_replies = 0
        self._target_port = target_port
        self._chance = chance
        self._writers: set[asyncio.StreamWriter] = set()

    def heal(self) -> None:
        """Carry everything again; connections that were in the black hole are cut."""
        was_dead, self.damage = self.damage.is_dead, Damage()
        if was_dead:
            self.cut()

    def cut(self) -> None:
        """Reset every connection."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        self._writers.add(writer)
        server_writer = None
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
            self._writers.add(server_writer)
            ways = {
                asyncio.ensure_future(self._requests(reader, server_writer, writer)),
                asyncio.ensure_future(self._replies(server_reader, writer)),
            }
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass
        finally:
            for end in (writer, server_writer):
                if end is not None:
                    self._writers.discard(end)
                    end.transport.abort()

    async def _requests(
        self, client: asyncio.StreamReader, server: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await client.read(_CHUNK):
                if self.damage.is_dead:
                    continue
                if self.damage.requests_to_lose:
                    self.damage.requests_to_lose -= 1
                    return
                if self.damage.refusals and b"EVAL" in data:
                    self.damage.refusals -= 1
                    back.write(self.damage.refusal)
                    continue
                await self._pour(data, server)

    async def _replies(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await server.read(_CHUNK):
                if self.damage.is_dead:
                    continue
                if self.damage.replies_to_lose:
                    self.damage.replies_to_lose -= 1
                    self.lost_replies += 1
                    return
                if self.damage.longest_delay:
                    await some_time(self._chance.uniform(0, self.damage.longest_delay))
                await self._pour(data, client)

    async def _pour(self, data: bytes, into: asyncio.StreamWriter) -> None:
        parts = (data[at : at + 1] for at in range(len(data))) if self.damage.splits else (data,)
        for part in parts:
            into.write(part)
            await into.drain()


@asynccontextmanager
async def open_wire(target_port: int, chance: random.Random) -> AsyncGenerator[Wire]:
    """A wire on a free port, closed at the end."""
    wire = Wire(target_port, chance)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(wire.carry(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
