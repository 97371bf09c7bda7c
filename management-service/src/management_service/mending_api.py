"""Routes that put the queue right after Redis was emptied or went back in time."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Query
from pydantic import Field

from event_queue.errors import QueueMoving
from event_queue.mend_planner import MendPlan
from event_queue.mender import Mender
from event_queue.one_past import Verdict
from management_service.auth import RequireKey
from management_service.dependencies import Dependencies, Injected
from management_service.errors import Refused
from management_service.mending_schemas import MendDocument
from management_service.problems import Problem
from management_service.responses import problems
from management_service.strict_query import GivenOnce, StrictQuery

router = APIRouter(prefix="/queue", tags=["queue"])

_log = structlog.get_logger(__name__)

_RELAY = "relay"


class ResyncQuery(StrictQuery):
    """How to resync."""

    dry_run: Annotated[bool, Field(description="Only show what would be done.")] = False


class RebuildQuery(ResyncQuery):
    """How to rebuild."""

    force: Annotated[bool, Field(description="Also when Redis is not empty: then as a resync.")] = False


@router.post("/rebuild", dependencies=[RequireKey, GivenOnce], responses=problems(401, 409, 422, 429, 503))
async def rebuild_queue(query: Annotated[RebuildQuery, Query()], dependencies: Injected) -> MendDocument:
    """Bring what history knows as unfinished back into an emptied Redis."""
    mender = await _mender(dependencies)
    plan = await _plan(mender)
    if not (query.force or plan.is_empty_redis or plan.comparison.verdict is Verdict.NEW):
        raise Refused(_not_empty(plan))
    return await _answer(mender, plan, dry_run=query.dry_run, what="rebuild")


@router.post("/resync", dependencies=[RequireKey, GivenOnce], responses=problems(401, 409, 422, 429, 503))
async def resync_queue(query: Annotated[ResyncQuery, Query()], dependencies: Injected) -> MendDocument:
    """Put a queue right that contradicts its history: history wins where it is ahead, what only Redis knows stays.

    Trading goes on by itself afterwards. When both agree, nothing is changed.
    """
    mender = await _mender(dependencies)
    return await _answer(mender, await _plan(mender), dry_run=query.dry_run, what="resync")


async def _mender(dependencies: Dependencies) -> Mender:
    """What mends, unless records that history needs first still lie in a file."""
    if dependencies.mender is None:
        raise Refused(_conflict("this service was started without a history to compare the queue with"))
    relay = (await dependencies.board.read()).get(_RELAY)
    spilled = relay.facts.get("spilled_records") if relay is not None else None
    if spilled:
        raise Refused(_conflict(f"{spilled} records on disk must reach PostgreSQL first: try again in a moment"))
    return dependencies.mender


async def _plan(mender: Mender) -> MendPlan:
    try:
        return await mender.plan()
    except QueueMoving as error:
        raise Refused(_conflict(str(error))) from error


async def _answer(mender: Mender, plan: MendPlan, *, dry_run: bool, what: str) -> MendDocument:
    if dry_run or plan.is_nothing:
        kept = await mender.keepsakes.show() if plan.comparison.needs_mending else None
        return MendDocument.of(replace(plan, kept=kept), is_done=False)
    try:
        done = await mender.mend()
    except QueueMoving as error:
        raise Refused(_conflict(str(error))) from error
    document = MendDocument.of(done, is_done=True)
    _log.warning(f"queue_{what}_done", verdict=document.verdict, events=document.counts)
    return document


def _conflict(detail: str) -> Problem:
    return Problem(HTTPStatus.CONFLICT, detail, kind="cannot-mend", title="The queue cannot be put right now")


def _not_empty(plan: MendPlan) -> Problem:
    return _conflict(
        f"Redis is not empty ({plan.comparison.verdict}): a resync compares it with history and keeps what it holds"
    )
