"""The product: its services as they are, with a command that does nothing in place of a rebalance."""

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.contenders.contract import HANG, HANG_SECONDS, NOTE, PAYLOAD, CrowdSender, Places, Sender
from bench.contenders.starts import Starts, open_starts
from event_processor.attempt import Completed
from event_processor.commands import CommandRunner
from event_processor.main import serve
from event_processor.rebalancer.ports import Guard, Recorder
from event_queue.arrival import Arrival
from event_queue.events import Command, RebalanceEvent
from event_queue.redis_queue import RedisAddress, RedisQueue, open_redis
from event_queue.testing.first_run import vouch_for_run
from service_runtime.lifecycle import run_service

_COMMANDS: Final = {NOTE: Command.PRINT_EQUITY, HANG: Command.PRINT_ORDERS}
_RESULT: Final = {"status": "success"}


class Product:
    """`Contender`."""

    def __init__(self, places: Places) -> None:
        self._places = places

    async def prepare(self) -> None:
        """No worker was ever there, so that the first need not wait; the audit's tables come with the database."""
        async with self._queue() as queue:
            await vouch_for_run(queue.client, queue.keys)

    @asynccontextmanager
    async def sending(self) -> AsyncGenerator[Sender]:
        """The intake, as the API uses it."""
        async with self._queue() as queue:

            async def send(job: str, key: str) -> None:
                await queue.intake.enqueue(_event(job, key))

            yield send

    @asynccontextmanager
    async def sending_crowds(self) -> AsyncGenerator[CrowdSender]:
        """The intake, as the event-broker uses it for the accounts of one signal."""
        async with self._queue() as queue:

            async def send(job: str, keys: Sequence[str]) -> None:
                await queue.intake.enqueue_all([Arrival(_event(job, key)) for key in keys])

            yield send

    @asynccontextmanager
    async def _queue(self) -> AsyncGenerator[RedisQueue]:
        places = self._places
        address = RedisAddress(host="127.0.0.1", port=places.redis_port, db=places.redis_db)
        async with open_redis(address) as queue:
            yield queue

    def work(self, concurrency: int) -> None:
        """The event-processor, whole, until killed."""
        _replace_commands(open_starts())
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            run_service(
                "event-processor",
                serve,
                environ=_settings(self._places, concurrency, Path(directory)),
                working_directory=Path(directory),
            )


def _event(job: str, key: str) -> RebalanceEvent:
    return RebalanceEvent.new(
        account_id=key,
        exec_command=_COMMANDS[job],
        source="api",
        now=datetime.now(UTC),
        data={"note": PAYLOAD},
    )


def _replace_commands(starts: Starts) -> None:
    """Everything is the service's own but what a command does."""

    async def run(_self: CommandRunner, event: RebalanceEvent, *, recorder: Recorder, guard: Guard) -> Completed:
        del recorder, guard
        starts.note()
        if event.exec_command is _COMMANDS[HANG]:
            await asyncio.sleep(HANG_SECONDS)
        return Completed(_RESULT)

    setattr(CommandRunner, "run", run)  # noqa: B010 - a deliberate replacement, which a type checker must not follow


def _settings(places: Places, concurrency: int, directory: Path) -> dict[str, str]:
    """The settings as they are shipped, but for the places, the number of hands, and the level of the log if given."""
    for name, content in {"config.yaml": "{}", "accounts.yaml": "[]", "replacement-sets.yaml": "{}"}.items():
        (directory / name).write_text(content, "utf-8")
    kept = {name: value for name, value in os.environ.items() if name == "LOGGING_LEVEL"}
    return {
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(places.redis_port),
        "REDIS_DB": str(places.redis_db),
        "PROCESSING_CONCURRENCY": str(concurrency),
        **kept,
    }
