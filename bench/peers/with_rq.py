"""rq: jobs unique by their id; a fork for each job, as its own command line works; concurrency is more workers."""

import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from redis import Redis
from rq import Queue, Worker
from rq.exceptions import DuplicateJobError

from bench.contenders.contract import HANG, HANG_SECONDS, NOTE, PAYLOAD, Places, Sender
from bench.contenders.starts import Starts, open_starts

_OPENED: list[Starts] = []
"""The file of the starts, inherited by the forks that run the jobs."""


def note(_data: str) -> None:
    """The job that does nothing."""
    _OPENED[0].note()


def hang(_data: str) -> None:
    """The job that never ends."""
    _OPENED[0].note()
    time.sleep(HANG_SECONDS)


_JOBS = {NOTE: note, HANG: hang}


class Rq:
    """`Contender`."""

    def __init__(self, places: Places) -> None:
        self._places = places

    async def prepare(self) -> None:
        """Nothing."""

    @asynccontextmanager
    async def sending(self) -> AsyncGenerator[Sender]:
        """`Queue.enqueue` of a unique id."""
        queue = Queue(connection=Redis(port=self._places.redis_port, db=self._places.redis_db))

        async def send(job: str, key: str) -> None:
            try:
                queue.enqueue(_JOBS[job], PAYLOAD, job_id=key, unique=True)
            except DuplicateJobError:
                return

        yield send

    def work(self, concurrency: int) -> None:
        """As many workers as jobs at once, each a process that forks for each job."""
        _OPENED.append(open_starts())
        for _ in range(concurrency - 1):
            if os.fork() == 0:
                break
        Worker(["default"], connection=Redis(port=self._places.redis_port, db=self._places.redis_db)).work()
