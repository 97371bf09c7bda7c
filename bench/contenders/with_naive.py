"""The shape that queues on Redis grow up from, and the least that one can do: a list, a set, and no safety at all.

A duplicate is looked for and then the job pushed, in two steps; a job is popped, and lost when its worker dies.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from bench.contenders.contract import HANG, HANG_SECONDS, PAYLOAD, Places, Sender
from bench.contenders.starts import open_starts

_QUEUE = "naive:queue"
_ACTIVE = "naive:active"


class Naive:
    """`Contender`."""

    def __init__(self, places: Places) -> None:
        self._places = places

    async def prepare(self) -> None:
        """Nothing."""

    @asynccontextmanager
    async def sending(self) -> AsyncGenerator[Sender]:
        """SISMEMBER, then SADD and LPUSH."""
        client: Any = Redis(port=self._places.redis_port, db=self._places.redis_db)

        async def send(job: str, key: str) -> None:
            if await client.sismember(_ACTIVE, key):
                return
            async with client.pipeline() as both:
                await both.sadd(_ACTIVE, key).lpush(_QUEUE, f"{job} {key} {PAYLOAD}").execute()

        yield send
        await client.aclose()

    def work(self, concurrency: int) -> None:
        """BRPOP, then SREM; as many loops as jobs at once."""
        asyncio.run(self._run(concurrency))

    async def _run(self, concurrency: int) -> None:
        client: Any = Redis(port=self._places.redis_port, db=self._places.redis_db)
        starts = open_starts()

        async def loop() -> None:
            while True:
                _, body = await client.brpop(_QUEUE)
                job, key, _ = body.decode().split()
                starts.note()
                if job == HANG:
                    await asyncio.sleep(HANG_SECONDS)
                await client.srem(_ACTIVE, key)

        await asyncio.gather(*(loop() for _ in range(concurrency)))
