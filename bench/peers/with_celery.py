"""celery on Redis with acks_late, so that a job outlives its worker; it has no unique jobs."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from celery import Celery as App

from bench.contenders.contract import HANG, HANG_SECONDS, NOTE, PAYLOAD, Places, Sender
from bench.contenders.starts import Starts, open_starts


class Celery:
    """`Contender`."""

    def __init__(self, places: Places) -> None:
        self._places = places

    async def prepare(self) -> None:
        """Nothing."""

    @asynccontextmanager
    async def sending(self) -> AsyncGenerator[Sender]:
        """`apply_async`."""
        app = self._open(None)

        async def send(job: str, key: str) -> None:
            app.tasks[job].apply_async((key, PAYLOAD))

        yield send
        app.close()

    def work(self, concurrency: int) -> None:
        """Its worker, which keeps a pool of processes."""
        self._open(open_starts()).worker_main(["worker", f"--concurrency={concurrency}", "--loglevel=WARNING"])

    def _open(self, starts: Starts | None) -> Any:
        app = App("bench", broker=self._places.redis_url)
        app.conf.update(
            task_acks_late=True,
            task_reject_on_worker_lost=True,
            task_ignore_result=True,
            broker_connection_retry_on_startup=True,
        )

        @app.task(name=NOTE)
        def note(key: str, data: str) -> None:
            del key, data
            if starts is not None:
                starts.note()

        @app.task(name=HANG)
        def hang(key: str, data: str) -> None:
            note(key, data)
            time.sleep(HANG_SECONDS)

        return app
