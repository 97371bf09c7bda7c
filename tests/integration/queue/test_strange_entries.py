"""Entries of the right type that the queue never wrote: the work goes on, and operators are told the key."""

from typing import Any

import pytest

from event_queue.errors import CorruptQueue
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event

STRANGER = "44444444-4444-4444-8444-444444444444"


async def test_an_infinite_due_time_stops_no_worker(redis_queue: RedisQueue, lease: Lease) -> None:
    """It never comes; what is due is worked on, and whoever examines the queue hears what to do."""
    client: Any = redis_queue.client
    await client.zadd(redis_queue.keys.delayed, {STRANGER: "inf"})
    nothing = await redis_queue.worker.claim(lease, "0")
    with pytest.raises(CorruptQueue, match=f"key {redis_queue.keys.delayed}: event {STRANGER}.*ZADD"):
        await redis_queue.examine()

    event = make_event()
    await redis_queue.intake.enqueue(event)

    assert nothing is None
    assert await redis_queue.worker.claim(lease, "0") == event


async def test_an_event_in_hand_that_cannot_be_read_is_named_until_it_can(
    redis_queue: RedisQueue, lease: Lease
) -> None:
    """With its key; it is given to the worker as soon as it was put right."""
    client: Any = redis_queue.client
    event = make_event()
    await redis_queue.intake.enqueue(event)
    body = await client.hget(redis_queue.keys.events, str(event.event_id))
    await client.hset(redis_queue.keys.events, str(event.event_id), "not json")
    for _ in range(2):
        with pytest.raises(CorruptQueue, match=f"key {redis_queue.keys.events}.*not json"):
            await redis_queue.worker.claim(lease, "0")
    with pytest.raises(CorruptQueue, match=f"{event.event_id} cannot be read"):
        await redis_queue.examine()

    await client.hset(redis_queue.keys.events, str(event.event_id), body)

    await redis_queue.examine()
    assert await redis_queue.worker.claim(lease, "0") == event
