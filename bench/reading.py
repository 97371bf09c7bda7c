"""What operators' questions cost while ever more events wait."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from time import perf_counter
from typing import Any

from bench import yardstick
from bench.rounds import Measurement, run_rounds
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event

LENGTHS = (10, 1_000, 100_000)
LIST_LIMIT = 100
_SIDE_BY_SIDE = 16
_TIMES = 50


async def measure_reading(
    queue: RedisQueue, *, lengths: Sequence[int], rounds: int, tell: Callable[[str], Any]
) -> Sequence[Mapping[str, float]]:
    """Rounds of /queue/status and /queue/events?limit=100 at each length, joined into one row a round."""
    joined: list[dict[str, float]] = [{} for _ in range(rounds)]
    waiting = 0
    for length in lengths:
        tell(f"queueing {length:,} events")
        await fill(queue, length - waiting)
        waiting = length
        measured = await run_rounds(_questions(queue, length), count=rounds, tell=tell)
        for row, found in zip(joined, measured, strict=True):
            row.update(found)
    return joined


def yardstick_at(length: int) -> str:
    """Name of the yardstick measured beside a queue of that length."""
    return f"{yardstick.NAME}, {length:,} waiting"


def _questions(queue: RedisQueue, length: int) -> Mapping[str, Measurement]:
    async def status() -> float:
        start = perf_counter()
        for _ in range(_TIMES):
            await queue.admin.status()
        return (perf_counter() - start) / _TIMES

    async def listing() -> float:
        start = perf_counter()
        for _ in range(_TIMES):
            await queue.admin.list_events(LIST_LIMIT)
        return (perf_counter() - start) / _TIMES

    return {
        yardstick_at(length): lambda: yardstick.raw_set(queue.client),
        f"status, {length:,} waiting": status,
        f"first {min(LIST_LIMIT, length)} of the list, {length:,} waiting": listing,
    }


async def fill(queue: RedisQueue, more: int) -> None:
    """Queue events for accounts of their own, several at a time."""
    numbers = count()

    async def some() -> None:
        while (number := next(numbers)) < more:
            await queue.intake.enqueue(make_event(f"W{more}-{number}"))

    await asyncio.gather(*(some() for _ in range(_SIDE_BY_SIDE)))
