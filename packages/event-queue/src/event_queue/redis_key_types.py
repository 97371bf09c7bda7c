"""Whether every key of the queue is of its type: another one would stop a script halfway."""

from typing import Any

from redis.asyncio import Redis

from event_queue.errors import CorruptQueue
from event_queue.keys import QueueKeys
from event_queue.redis_errors import translate, translated


async def verify_keys(client: "Redis", keys: QueueKeys) -> None:
    """Check the type of every key of the queue, and that its counters count, in one round trip.

    Raises:
        CorruptQueue: a key holds something else, so that scripts would stop halfway.
        QueueUnavailable: Redis did not answer.
    """
    untyped: Any = client
    expected, counters = keys.types(), (keys.counter, keys.fence)
    with translated("verify_keys"):
        async with untyped.pipeline(transaction=False) as pipeline:
            for key in expected:
                pipeline.type(key)
            for key in counters:
                pipeline.get(key)
            found: list[Any] = await pipeline.execute(raise_on_error=False)
    types, counts = found[: len(expected)], found[len(expected) :]
    for (key, wanted), actual in zip(expected.items(), map(_answer, types), strict=True):
        if actual not in (wanted, "none"):
            raise CorruptQueue(f"key {key} is a {actual} and must be a {wanted}: move it away before starting")
    for key, count in zip(counters, map(_answer, counts), strict=True):
        if not (count is None or count.isdecimal()):
            raise CorruptQueue(f"key {key} is {count[:40]!r} and must be a number: put it right before starting")


def _answer(reply: Any) -> Any:
    if isinstance(reply, Exception):
        raise translate(reply, "looking at Redis")
    return reply
