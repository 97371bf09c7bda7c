"""What stands in the queue's keys, of the right type, and was never written by the queue: for operators' eyes.

The work goes on beside it, so no script is refused for it.
"""

from typing import Any, Final

from redis.asyncio import Redis

from event_queue.codec import decode_event
from event_queue.errors import CorruptQueue
from event_queue.events import RebalanceEvent
from event_queue.keys import QueueKeys
from event_queue.redis_errors import translated

_NEVER: Final = "+inf"


async def examine_entries(client: "Redis", keys: QueueKeys) -> None:
    """Look at due times, and at the events in the worker's hands; what is amiss elsewhere, the work shows.

    Raises:
        CorruptQueue: naming the key, the event, and what to do.
        QueueUnavailable: Redis did not answer.
    """
    untyped: Any = client
    with translated("examine_entries"):
        never: list[str] = await untyped.zrangebyscore(keys.delayed, _NEVER, _NEVER, start=0, num=1)
        held: list[str] = await untyped.hvals(keys.in_flight)
        bodies: list[str | None] = await untyped.hmget(keys.events, held) if held else []
    if never:
        raise CorruptQueue(
            f"key {keys.delayed}: event {never[0]} is due at infinity, which never comes: give it a time in ms since "
            f"1970 (ZADD {keys.delayed} <ms> {never[0]}), or remove it there (ZREM)"
        )
    for event_id, body in zip(held, bodies, strict=True):
        if body is not None:  # one that is gone has just ended
            decode_held(keys, body, event_id)


def decode_held(keys: QueueKeys, body: str, event_id: str = "that is in hand") -> RebalanceEvent:
    """The event of a body that a slot names.

    Raises:
        CorruptQueue: naming the key, and what to do.
    """
    try:
        return decode_event(body)
    except CorruptQueue as error:
        raise CorruptQueue(
            f"key {keys.events}: event {event_id} cannot be read: put it right, or remove it there (HDEL): {error}"
        ) from error
