"""What each step costs behind ever more waiting events, over Redis and over HTTP, and what an event weighs."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import median
from time import perf_counter
from typing import Any, Final

import httpx

from bench.contenders.contract import Places
from bench.metrics import Figures
from bench.stage import Stage
from bench.yardstick import raw_set
from event_queue.events import Command, RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisAddress, RedisQueue, open_redis
from event_queue.testing.server_process import free_port

DEPTHS: Final = (10, 1_000, 100_000)
STEPS: Final = ("enqueue", "claim", "complete", "requeue", "status", "list")
PATHS: Final = ("/queue/status", "/health")
_TIMES: Final = 150
_LISTED: Final = 10
_REQUESTS: Final = 150
_SIDE_BY_SIDE: Final = 16
_DELETES: Final = 21
_WEIGHED: Final = 10_000
_START_SECONDS: Final = 30.0
_SLOT: Final = "0"
_AT_ONCE: Final = timedelta(0)
_MICROSECONDS: Final = 1_000_000
_numbers = count()


def measure_depths(stage: Stage, figures: Figures, *, rounds: int, tell: Callable[[str], Any]) -> None:
    """All steps and requests at each depth, on a queue that grows."""
    places = stage.places("product")
    port = free_port()
    settings = {"MANAGEMENT_HOST": "127.0.0.1", "MANAGEMENT_PORT": str(port)}
    with stage.service("management_service", places, **settings):
        asyncio.run(_grow(places, f"http://127.0.0.1:{port}", figures, rounds, tell))


def growth(figures: Figures, name: str) -> float | None:
    """How much more a step costs behind the longest queue than behind the shortest, in raw round trips beside each."""
    took, raw = (figures.ratio(f"{step} at {DEPTHS[-1]}", f"{step} at {DEPTHS[0]}") for step in (name, "raw"))
    return None if took is None else took / (raw or 1.0)


async def _grow(places: Places, url: str, figures: Figures, rounds: int, tell: Callable[[str], Any]) -> None:
    async with _opened(places) as queue, httpx.AsyncClient(base_url=url, timeout=10) as http:
        await _await_service(http)
        await _weigh(queue, figures)
        lease = await queue.worker.acquire_lease("bench", ttl=timedelta(minutes=30))
        if not isinstance(lease, Lease):
            raise TypeError("a fresh queue's lease is free")
        for depth in DEPTHS:
            tell(f"{depth:,} events waiting")
            await _fill(queue, depth)
            for _ in range(rounds):
                await _steps(queue, lease, figures, depth)
                await _requests(http, figures, depth)
        await _deletes(queue, figures)


async def _steps(queue: RedisQueue, lease: Lease, figures: Figures, depth: int) -> None:
    """One round; the queue is as long afterwards as before."""
    worker, admin = queue.worker, queue.admin

    async def timed(step: str, act: Callable[[], Awaitable[Any]], times: int = _TIMES) -> None:
        began = perf_counter()
        for _ in range(times):
            await act()
        figures.add(f"{step} at {depth}", (perf_counter() - began) / times * _MICROSECONDS)

    await timed("raw", lambda: raw_set(queue.client, 1))
    await timed("enqueue", lambda: queue.intake.enqueue(_event()))
    await timed("status", admin.status)
    await timed("list", lambda: admin.list_events(_LISTED))
    spent: dict[str, float] = dict.fromkeys(("claim", "complete", "requeue"), 0.0)
    for number in range(2 * _TIMES):
        moments = [perf_counter()]
        event = await worker.claim(lease, _SLOT)
        moments.append(perf_counter())
        if event is None:
            raise LookupError("an event that waits can be claimed")
        if number % 2:
            await worker.complete(lease, _SLOT, event, result={}, claim_next=False)
        else:
            await worker.requeue(lease, _SLOT, event, pause=_AT_ONCE, error="", result={})
        moments.append(perf_counter())
        spent["claim"] += (moments[1] - moments[0]) / 2
        spent["complete" if number % 2 else "requeue"] += moments[2] - moments[1]
    for step, seconds in spent.items():
        figures.add(f"{step} at {depth}", seconds / _TIMES * _MICROSECONDS)


async def _requests(http: httpx.AsyncClient, figures: Figures, depth: int) -> None:
    for path in PATHS:
        taken: list[float] = []
        for _ in range(_REQUESTS):
            began = perf_counter()
            await http.get(path)
            taken.append(perf_counter() - began)
        figures.add(f"GET {path} at {depth}", median(taken) * _MICROSECONDS)


async def _deletes(queue: RedisQueue, figures: Figures) -> None:
    """Events from the middle of the longest queue, by id."""
    ids = await queue.client.lrange(queue.keys.queue, DEPTHS[-1] // 2, DEPTHS[-1] // 2 + _DELETES - 1)
    for event_id in ids:
        began = perf_counter()
        await queue.admin.delete(event_id, actor="bench")
        figures.add("delete", (perf_counter() - began) * _MICROSECONDS)


async def _weigh(queue: RedisQueue, figures: Figures) -> None:
    """Bytes of Redis for a waiting event with its audit record, and for the record alone; empties Redis."""
    began = await _used(queue)
    await _fill(queue, _WEIGHED)
    filled = await _used(queue)
    await queue.client.xtrim(queue.keys.outbox, maxlen=0, approximate=False)
    trimmed = await _used(queue)
    figures.add("bytes an event", (filled - began) / _WEIGHED)
    figures.add("bytes a record", (filled - trimmed) / _WEIGHED)
    figures.add("bytes a body", len(_event().model_dump_json()))
    await queue.client.flushdb()


async def _used(queue: RedisQueue) -> int:
    return (await queue.client.info("memory"))["used_memory"]


async def _fill(queue: RedisQueue, depth: int) -> None:
    """Queue more events until that many wait; fewer is left alone."""
    more = depth - (await queue.admin.status()).queue_length
    numbers = iter(range(more))

    async def some() -> None:
        for _ in numbers:
            await queue.intake.enqueue(_event())

    await asyncio.gather(*(some() for _ in range(_SIDE_BY_SIDE)))


def _event() -> RebalanceEvent:
    """For an account of its own."""
    name = f"W{next(_numbers)}"
    return RebalanceEvent.new(account_id=name, exec_command=Command.PRINT_EQUITY, source="api", now=datetime.now(UTC))


async def _await_service(http: httpx.AsyncClient) -> None:
    deadline = perf_counter() + _START_SECONDS
    while True:
        try:
            await http.get("/health/live")
        except httpx.TransportError:
            if perf_counter() > deadline:
                raise
            await asyncio.sleep(0.05)
        else:
            return


@asynccontextmanager
async def _opened(places: Places) -> AsyncGenerator[RedisQueue]:
    address = RedisAddress(host="127.0.0.1", port=places.redis_port, db=places.redis_db)
    async with open_redis(address) as queue:
        yield queue
