"""dramatiq on Redis, which acknowledges after the job; it has no unique jobs; concurrency is its threads."""

import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.contenders.contract import HANG, HANG_SECONDS, NOTE, PAYLOAD, Places, Sender
from bench.contenders.starts import Starts, open_starts


class Dramatiq:
    """`Contender`."""

    def __init__(self, places: Places) -> None:
        self._places = places

    async def prepare(self) -> None:
        """Nothing."""

    @asynccontextmanager
    async def sending(self) -> AsyncGenerator[Sender]:
        """`send`."""
        broker, actors = self._open(None)

        async def send(job: str, key: str) -> None:
            actors[job].send(key, PAYLOAD)

        yield send
        broker.close()

    def work(self, concurrency: int) -> None:
        """Its worker in this process."""
        broker, _ = self._open(open_starts())
        dramatiq.Worker(broker, worker_threads=concurrency).start()
        threading.Event().wait()

    def _open(self, starts: Starts | None) -> tuple[Any, dict[str, Any]]:
        broker = RedisBroker(url=self._places.redis_url)
        dramatiq.set_broker(broker)

        def note(key: str, data: str) -> None:
            del key, data
            if starts is not None:
                starts.note()

        def hang(key: str, data: str) -> None:
            note(key, data)
            time.sleep(HANG_SECONDS)

        unbounded = {"time_limit": float("inf")}
        actors = {
            NOTE: dramatiq.actor(note, actor_name=NOTE, broker=broker),
            HANG: dramatiq.actor(hang, actor_name=HANG, broker=broker, **unbounded),
        }
        return broker, actors
