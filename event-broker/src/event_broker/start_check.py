"""What is looked at once, as soon as Redis answers: the types of the queue's keys and the settings that keep events.

Log events: redis_durability_warning, redis_keys_corrupt, redis_not_reachable, redis_checked.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from event_queue.errors import CorruptQueue, QueueUnavailable
from service_runtime.clock import Clock

RETRY_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


async def check_redis(
    verify: Callable[[], Awaitable[None]], durability_warnings: Callable[[], Awaitable[Sequence[str]]], clock: Clock
) -> None:
    """Return when Redis has been found in order; says once what it is not, and goes on looking."""
    told = ""
    while True:
        try:
            await verify()
            for warning in await durability_warnings():
                _log.warning("redis_durability_warning", warning=warning)
        except (QueueUnavailable, CorruptQueue) as error:
            told = _tell(error, told)
        else:
            _log.info("redis_checked")
            return
        await clock.pause(RETRY_SECONDS)


def _tell(error: QueueUnavailable | CorruptQueue, told: str) -> str:
    event = "redis_keys_corrupt" if isinstance(error, CorruptQueue) else "redis_not_reachable"
    if str(error) != told:
        _log.error(event, reason=str(error), retry_seconds=RETRY_SECONDS)
    return str(error)
