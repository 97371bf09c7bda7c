"""The queue's own transitions: taking events in, and working them off with a command that does nothing."""

import asyncio
from datetime import timedelta
from itertools import count
from time import perf_counter

from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue
from event_queue.relay import OutboxRelay
from event_queue.testing.events import make_event

ENQUEUE = "enqueue (dedup, push, audit)"
WORK = "complete + claim next (no-op command)"
RELAYED_WORK = "the same, relay draining alongside"
SLOT = "0"
_TIMES = 200
_DRAIN = timedelta(seconds=20)
_BLOCK = timedelta(milliseconds=100)
_numbers = count()


async def enqueue(queue: RedisQueue) -> float:
    """Seconds to take in one event; the events are worked off afterwards, unmeasured."""
    events = [make_event(f"A{next(_numbers)}") for _ in range(_TIMES)]
    start = perf_counter()
    for event in events:
        await queue.intake.enqueue(event)
    return (perf_counter() - start) / _TIMES


async def work_off(queue: RedisQueue, lease: Lease) -> float:
    """Seconds to end one event and hold the next, for everything that waits."""
    event = await queue.worker.claim(lease, SLOT)
    done = 0
    start = perf_counter()
    while event is not None:
        event = await queue.worker.complete(lease, SLOT, event, result={"status": "success"}, claim_next=True)
        done += 1
    return (perf_counter() - start) / done


async def work_off_relayed(queue: RedisQueue, lease: Lease, relay: OutboxRelay) -> float:
    """As `work_off`, while the relay carries the audit records into PostgreSQL."""
    await enqueue(queue)
    finished = asyncio.Event()

    async def carry() -> None:
        while not finished.is_set():
            await relay.carry(block=_BLOCK)

    carrying = asyncio.create_task(carry())
    try:
        return await work_off(queue, lease)
    finally:
        finished.set()
        await carrying
        await relay.drain(within=_DRAIN)


async def take_lease(queue: RedisQueue) -> Lease:
    """The lease, for longer than any benchmark runs."""
    lease = await queue.worker.acquire_lease("bench", ttl=timedelta(minutes=10))
    if not isinstance(lease, Lease):
        raise TypeError("a fresh queue's lease is free")
    return lease
