"""What is measured on which servers."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import transitions, yardstick
from bench.counting import CommandCount, count_commands
from bench.machine import Machine, describe_machine
from bench.ratios import Figure, figures
from bench.reading import LENGTHS, measure_reading, yardstick_at
from bench.rounds import run_rounds
from event_queue.postgres_audit import open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.relay import OutboxRelay
from event_queue.testing.postgres_server import PostgresServer
from event_queue.testing.redis_server import running_redis

_PREFIX = "bench:"
Tell = Callable[[str], Any]


@asynccontextmanager
async def fresh_queue(appendfsync: str) -> AsyncGenerator[RedisQueue]:
    """An empty queue on a Redis of its own."""
    with running_redis(appendfsync=appendfsync) as server:
        async with open_redis(server.address, key_prefix=_PREFIX) as queue:
            yield queue


async def measure_transitions(
    appendfsync: str, postgres: PostgresServer, *, rounds: int, tell: Tell
) -> Sequence[Figure]:
    """Enqueue, work off, and work off beside the relay, under one durability setting."""
    schema = (Path(__file__).parents[1] / "init.sql").read_text("utf-8")
    address = _address(await postgres.create_database(schema))
    async with fresh_queue(appendfsync) as queue, open_postgres(address) as audit:
        lease = await transitions.take_lease(queue)
        relay = OutboxRelay(queue.outbox, audit, now=lambda: datetime.now(UTC), pause=_pause)
        measured = await run_rounds(
            {
                yardstick.NAME: lambda: yardstick.raw_set(queue.client),
                transitions.ENQUEUE: lambda: transitions.enqueue(queue),
                transitions.WORK: lambda: transitions.work_off(queue, lease),
                transitions.RELAYED_WORK: lambda: transitions.work_off_relayed(queue, lease, relay),
            },
            count=rounds,
            tell=lambda words: tell(f"appendfsync {appendfsync}: {words}"),
        )
    return figures(measured, yardstick.NAME)


async def measure_questions(*, rounds: int, tell: Tell) -> Sequence[Figure]:
    """Status and list at every length, each against the yardstick measured beside it."""
    async with fresh_queue("everysec") as queue:
        measured = await measure_reading(queue, lengths=LENGTHS, rounds=rounds, tell=tell)
    found: list[Figure] = []
    for length in LENGTHS:
        of_length = [{name: s for name, s in row.items() if name.endswith(f" {length:,} waiting")} for row in measured]
        found += figures(of_length, yardstick_at(length))
    return found


async def count_transitions() -> tuple[Machine, Sequence[CommandCount]]:
    """The machine, and commands a transition; the first life loads the scripts and is not counted."""
    async with fresh_queue("everysec") as queue:
        lease = await transitions.take_lease(queue)
        await count_commands(queue, lease)
        return await describe_machine(queue.client), await count_commands(queue, lease)


async def _pause(length: timedelta) -> None:
    await asyncio.sleep(length.total_seconds())


def _address(dsn: str) -> PostgresAddress:
    parts = urlsplit(dsn)
    return PostgresAddress(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 5432,
        database=parts.path.lstrip("/"),
        user=parts.username or "postgres",
    )
