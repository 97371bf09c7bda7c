"""Whether Redis is in order: the types of the queue's keys, and the settings that keep events.

Looked at as soon as Redis answers, and then each minute, for settings may be changed while it runs and another Redis
may take its place. /health asks anew each time.

Log events: redis_durability_warning, redis_keys_corrupt, redis_not_reachable, redis_checked.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from event_queue.errors import CorruptQueue, QueueUnavailable
from service_runtime.clock import Clock

RETRY_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 60.0

_log = structlog.get_logger(__name__)


async def check_redis(
    verify: Callable[[], Awaitable[None]], durability_warnings: Callable[[], Awaitable[Sequence[str]]], clock: Clock
) -> None:
    """Look until cancelled; each thing that is not in order is told once as long as it lasts."""
    trouble: str | None = ""
    warned: Sequence[str] = ()
    while True:
        try:
            await verify()
            warnings = await durability_warnings()
        except (QueueUnavailable, CorruptQueue) as error:
            trouble = _tell(error, trouble)
            await clock.pause(RETRY_SECONDS)
            continue
        for warning in warnings:
            if warning not in warned:
                _log.warning("redis_durability_warning", warning=warning)
        if trouble is not None:
            _log.info("redis_checked")
        trouble, warned = None, warnings
        await clock.pause(AGAIN_SECONDS)


def _tell(error: QueueUnavailable | CorruptQueue, told: str | None) -> str:
    event = "redis_keys_corrupt" if isinstance(error, CorruptQueue) else "redis_not_reachable"
    if str(error) != told:
        _log.error(event, reason=str(error), retry_seconds=RETRY_SECONDS)
    return str(error)
