"""Asking Redis, PostgreSQL and the board how things are, side by side and within a bounded time."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar

import structlog

from event_queue.components import ComponentReport
from event_queue.errors import CorruptQueue, QueueError
from event_queue.outcomes import Pause, QueueStatus, RedisCondition
from management_service.dependencies import Dependencies
from management_service.health import (
    ComponentHealth,
    Health,
    judge,
    postgres_health,
    redis_health,
    trading_health,
)
from management_service.reported_parts import reported_health

_ANSWER_SECONDS = 2.5
"""Below the usual three seconds of a monitoring probe."""

AnswerT = TypeVar("AnswerT")

_log = structlog.get_logger(__name__)


async def check_health(dependencies: Dependencies) -> Health:
    """The system's health now; a part that does not answer is told as down, never as an exception."""
    admin = dependencies.admin
    status, damage, condition, reports, pauses, postgres = await asyncio.gather(
        _ask(admin.status()),
        _ask(_damage(dependencies.verify())),
        _ask(admin.condition()),
        _ask(dependencies.board.read_each()),
        _ask(dependencies.trading.read()),
        _ask(_answers(dependencies.audit.ping())),
    )
    redis = redis_health(status, damage or "", condition or RedisCondition())
    return _assemble(dependencies, status, redis, reports, pauses, reachable=postgres is True)


async def _ask(question: Awaitable[AnswerT]) -> AnswerT | None:
    """The answer, or None when there is none in time."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await question
    except (QueueError, TimeoutError) as error:
        _log.warning("health_question_unanswered", error=str(error) or type(error).__name__)
        return None


async def _damage(verification: Awaitable[None]) -> str:
    """What Redis holds and must not, by its key; empty when there is nothing."""
    try:
        await verification
    except CorruptQueue as error:
        return str(error)
    return ""


async def _answers(ping: Awaitable[None]) -> bool:
    await ping
    return True


def _assemble(
    dependencies: Dependencies,
    status: QueueStatus | None,
    redis: ComponentHealth,
    reports: Sequence[ComponentReport] | None,
    pauses: Mapping[str, Pause] | None,
    *,
    reachable: bool,
) -> Health:
    reported = dict(reported_health(reports, dependencies.clock.now()))
    components = {
        "redis": redis,
        "postgres": postgres_health(reachable=reachable, status=status, relay=reported.get("relay")),
        "trading": trading_health(pauses),
        **reported,
    }
    return judge(status, components)
