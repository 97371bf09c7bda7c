"""arq: jobs unique by their id; its settings are its defaults, with a look at the queue every half second."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker, func

from bench.contenders.contract import HANG, HANG_SECONDS, NOTE, PAYLOAD, Places, Sender
from bench.contenders.starts import open_starts


class Arq:
    """`Contender`."""

    def __init__(self, places: Places) -> None:
        self._settings = RedisSettings(host="127.0.0.1", port=places.redis_port, database=places.redis_db)

    async def prepare(self) -> None:
        """Nothing."""

    @asynccontextmanager
    async def sending(self) -> AsyncGenerator[Sender]:
        """`enqueue_job` with an id."""
        pool = await create_pool(self._settings)

        async def send(job: str, key: str) -> None:
            await pool.enqueue_job(job, PAYLOAD, _job_id=key)

        yield send
        await pool.aclose()

    def work(self, concurrency: int) -> None:
        """Its worker in this process."""
        starts = open_starts()

        async def note(_context: object, _data: str) -> None:
            starts.note()

        async def hang(_context: object, _data: str) -> None:
            starts.note()
            await asyncio.sleep(HANG_SECONDS)

        functions = [func(note, name=NOTE), func(hang, name=HANG)]
        asyncio.run(self._run(functions, concurrency))

    async def _run(self, functions: list[object], concurrency: int) -> None:
        worker = Worker(functions, redis_settings=self._settings, max_jobs=concurrency, handle_signals=False)
        await worker.async_run()
