"""taskiq on a Redis stream, whose messages are acknowledged after the job; it has no unique jobs."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

from bench.contenders.contract import HANG, HANG_SECONDS, NOTE, PAYLOAD, Places, Sender
from bench.contenders.starts import Starts, open_starts


class Taskiq:
    """`Contender`."""

    def __init__(self, places: Places) -> None:
        self._places = places

    async def prepare(self) -> None:
        """The consumer group, which its start declares."""
        broker, _ = self._open(None)
        await broker.startup()
        await broker.shutdown()

    @asynccontextmanager
    async def sending(self) -> AsyncGenerator[Sender]:
        """`kiq`."""
        broker, tasks = self._open(None)
        await broker.startup()

        async def send(job: str, key: str) -> None:
            await tasks[job].kiq(key, PAYLOAD)

        yield send
        await broker.shutdown()

    def work(self, concurrency: int) -> None:
        """Its receiver in this process."""
        asyncio.run(self._receive(concurrency))

    async def _receive(self, concurrency: int) -> None:
        broker, _ = self._open(open_starts())
        broker.is_worker_process = True
        await run_receiver_task(broker, max_async_tasks=concurrency, run_startup=True)

    def _open(self, starts: Starts | None) -> tuple[Any, dict[str, Any]]:
        broker = RedisStreamBroker(self._places.redis_url)

        async def note(key: str, data: str) -> None:
            del key, data
            if starts is not None:
                starts.note()

        async def hang(key: str, data: str) -> None:
            await note(key, data)
            await asyncio.sleep(HANG_SECONDS)

        return broker, {NOTE: broker.task(task_name=NOTE)(note), HANG: broker.task(task_name=HANG)(hang)}
