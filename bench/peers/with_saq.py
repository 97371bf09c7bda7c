"""saq: jobs unique by key; its recommended settings are its defaults."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from saq import Queue, Worker

from bench.contenders.contract import HANG, HANG_SECONDS, NOTE, PAYLOAD, Places, Sender
from bench.contenders.starts import open_starts


class Saq:
    """`Contender`."""

    def __init__(self, places: Places) -> None:
        self._places = places

    async def prepare(self) -> None:
        """Nothing."""

    @asynccontextmanager
    async def sending(self) -> AsyncGenerator[Sender]:
        """`Queue.enqueue` with a key."""
        queue = Queue.from_url(self._places.redis_url)

        async def send(job: str, key: str) -> None:
            await queue.enqueue(job, key=key, data=PAYLOAD)

        await queue.connect()
        yield send
        await queue.disconnect()

    def work(self, concurrency: int) -> None:
        """Its worker in its own process."""
        starts = open_starts()

        async def note(_context: object, *, data: str) -> None:
            del data
            starts.note()

        async def hang(_context: object, *, data: str) -> None:
            del data
            starts.note()
            await asyncio.sleep(HANG_SECONDS)

        functions = [(NOTE, note), (HANG, hang)]
        queue = Queue.from_url(self._places.redis_url)
        asyncio.run(Worker(queue, functions, concurrency=concurrency).start())
