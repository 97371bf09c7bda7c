"""Commands a transition, counted on the real Redis."""

from collections import Counter

from bench.counting import CommandCount, count_commands, summarise
from bench.transitions import enqueue, take_lease, work_off

from event_queue.redis_queue import RedisQueue


def test_the_sent_script_is_told_from_what_it_ran() -> None:
    """Asking for the statistics, and the wake-up of a waiting worker, belong to nobody's count."""
    calls = Counter({"evalsha": 1, "lpush": 2, "hset": 3, "info": 1, "blpop": 4})

    assert summarise("enqueue", calls) == CommandCount("enqueue", round_trips=1, inside_the_script=5)


async def test_every_transition_is_one_round_trip(redis_queue: RedisQueue) -> None:
    """What the page says of round trips holds for the queue as it is."""
    lease = await take_lease(redis_queue)
    await count_commands(redis_queue, lease)

    counts = await count_commands(redis_queue, lease)

    assert len(counts) == 7
    assert {count.transition: count.round_trips for count in counts if count.round_trips != 1} == {}
    assert all(count.inside_the_script > 0 for count in counts)


async def test_what_is_measured_leaves_an_empty_queue(redis_queue: RedisQueue) -> None:
    """A round starts where the one before it started."""
    lease = await take_lease(redis_queue)

    assert await enqueue(redis_queue) > 0
    assert await work_off(redis_queue, lease) > 0

    assert (await redis_queue.admin.status()).active_events_count == 0
