"""procrastinate, the one peer on PostgreSQL: jobs unique while they wait, by a queueing lock."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued

from bench.contenders.contract import HANG, HANG_SECONDS, NOTE, PAYLOAD, Places, Sender
from bench.contenders.starts import Starts, open_starts


class Procrastinate:
    """`Contender`."""

    def __init__(self, places: Places) -> None:
        self._places = places

    async def prepare(self) -> None:
        """Its tables."""
        app = self._open(None)
        async with app.open_async():
            await app.schema_manager.apply_schema_async()

    @asynccontextmanager
    async def sending(self) -> AsyncGenerator[Sender]:
        """`defer_async` with a queueing lock."""
        app = self._open(None)

        async def send(job: str, key: str) -> None:
            try:
                await app.configure_task(job, queueing_lock=key).defer_async(data=PAYLOAD)
            except AlreadyEnqueued:
                return

        async with app.open_async():
            yield send

    def work(self, concurrency: int) -> None:
        """Its worker in this process."""
        asyncio.run(self._run(concurrency))

    async def _run(self, concurrency: int) -> None:
        app = self._open(open_starts())
        async with app.open_async():
            await app.run_worker_async(concurrency=concurrency, install_signal_handlers=False)

    def _open(self, starts: Starts | None) -> App:
        app = App(connector=PsycopgConnector(conninfo=self._places.postgres_dsn))

        @app.task(name=NOTE)
        async def note(data: str) -> None:
            del data
            if starts is not None:
                starts.note()

        @app.task(name=HANG)
        async def hang(data: str) -> None:
            await note(data)
            await asyncio.sleep(HANG_SECONDS)

        return app
