"""An operator who looks at the counters all the time."""

from collections.abc import Mapping
from typing import Any

from redis.exceptions import RedisError

from chaos.actors.stage import open_queue, play, tell
from chaos.points import Points
from chaos.pulse import some_time
from event_queue.errors import QueueError
from event_queue.redis_queue import RedisQueue

_BETWEEN_SECONDS = 0.02


def main(args: Mapping[str, Any]) -> int:
    """Look until killed."""
    return play(args, _act)


async def _act(args: Mapping[str, Any], _points: Points) -> int:
    async with open_queue(args) as queue:
        while True:
            try:
                await _look(queue)
            except (QueueError, RedisError) as error:
                tell(trouble=type(error).__name__)
            await some_time(_BETWEEN_SECONDS)


async def _look(queue: RedisQueue) -> None:
    after = await _counter(queue)
    status = await queue.admin.status()
    until = await _counter(queue)
    tell(
        after=after,
        until=until,
        aside=status.queue_length + status.delayed,
        processing=status.processing,
        active=status.active_events_count,
        retrying=status.events_with_retries,
    )


async def _counter(queue: RedisQueue) -> int:
    return int(await queue.client.get(queue.keys.counter) or 0)
