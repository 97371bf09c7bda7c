"""Asking Redis, PostgreSQL and the board how things are, side by side and within a bounded time."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import TypeVar

import structlog

from event_queue.components import ComponentState
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
from management_service.unattended_history import unattended_history

_ANSWER_SECONDS = 2.5
"""Below the usual three seconds of a monitoring probe."""
_LOOK_SECONDS = 1.5
"""For what is asked after another answer."""

AnswerT = TypeVar("AnswerT")

_log = structlog.get_logger(__name__)


async def check_health(dependencies: Dependencies) -> Health:
    """The system's health now; a part that does not answer is told as down, never as an exception."""
    admin = dependencies.admin
    status, damage, condition, reported, pauses, postgres = await asyncio.gather(
        _ask(admin.status()),
        _ask(_damage(dependencies.verify())),
        _ask(admin.condition()),
        _ask(_reported(dependencies)),
        _ask(dependencies.trading.read()),
        _ask(_answers(dependencies.audit.ping())),
    )
    redis = redis_health(status, damage or "", condition or RedisCondition())
    parts = reported or dict(reported_health(None, dependencies.clock.now()))
    return _assemble(status, redis, parts, pauses, reachable=postgres is True)


async def _reported(dependencies: Dependencies) -> Mapping[str, ComponentHealth]:
    """What the other services say; where nobody says how Redis and its history agree, this one looks."""
    said = dict(reported_health(await dependencies.board.read_each(), dependencies.clock.now()))
    if said["history"].state is ComponentState.UNKNOWN and dependencies.mender is not None:
        comparison = await _ask(dependencies.mender.compare(), _LOOK_SECONDS)
        said["history"] = unattended_history(said["history"], comparison)
    return said


async def _ask(question: Awaitable[AnswerT], seconds: float = _ANSWER_SECONDS) -> AnswerT | None:
    """The answer, or None when there is none in time."""
    try:
        async with asyncio.timeout(seconds):
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
    status: QueueStatus | None,
    redis: ComponentHealth,
    reported: Mapping[str, ComponentHealth],
    pauses: Mapping[str, Pause] | None,
    *,
    reachable: bool,
) -> Health:
    components = {
        "redis": redis,
        "postgres": postgres_health(reachable=reachable, status=status, relay=reported.get("relay")),
        "trading": trading_health(pauses),
        **reported,
    }
    return judge(status, components)
