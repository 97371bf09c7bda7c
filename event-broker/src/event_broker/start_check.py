"""Whether Redis is in order: the types of the queue's keys, and whether it takes events and keeps them.

Looked at as soon as Redis answers, and then each minute, for settings may be changed while it runs and another Redis
may take its place. /health asks anew each time.

Log events: redis_takes_no_writes, redis_not_durable, redis_keys_corrupt, redis_not_reachable, redis_checked.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from event_queue.errors import CorruptQueue, QueueUnavailable
from event_queue.outcomes import RedisCondition
from service_runtime.clock import Clock

RETRY_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 60.0

_log = structlog.get_logger(__name__)


async def check_redis(
    verify: Callable[[], Awaitable[None]], look: Callable[[], Awaitable[RedisCondition]], clock: Clock
) -> None:
    """Look until cancelled; each thing that is not in order is told once as long as it lasts."""
    trouble: str | None = ""
    told = RedisCondition()
    while True:
        try:
            await verify()
            condition = await look()
        except (QueueUnavailable, CorruptQueue) as error:
            trouble = _tell(error, trouble)
            await clock.pause(RETRY_SECONDS)
            continue
        _warn(condition, told)
        if trouble is not None:
            _log.info("redis_checked")
        trouble, told = None, condition
        await clock.pause(AGAIN_SECONDS)


def _warn(condition: RedisCondition, told: RedisCondition) -> None:
    for reason in condition.refusals:
        if reason not in told.refusals:
            _log.error("redis_takes_no_writes", reason=reason)
    for reason in condition.dangers:
        if reason not in told.dangers:
            _log.warning("redis_not_durable", reason=reason)


def _tell(error: QueueUnavailable | CorruptQueue, told: str | None) -> str:
    event = "redis_keys_corrupt" if isinstance(error, CorruptQueue) else "redis_not_reachable"
    if str(error) != told:
        _log.error(event, reason=str(error), retry_seconds=RETRY_SECONDS)
    return str(error)
