"""Routes of the queue as a whole."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field

from management_service.dependencies import Injected
from management_service.responses import problems
from management_service.schemas import QueuedEventDocument, QueueStatusDocument
from management_service.strict_query import GivenOnce, StrictQuery

router = APIRouter(prefix="/queue", tags=["queue"])

_MOST_LISTED: Final = 1000
_USUAL_LIMIT: Final = 100
_FARTHEST: Final = 1_000_000_000


class QueuePage(StrictQuery):
    """Which of the living events to list."""

    limit: Annotated[int, Field(ge=1, le=_MOST_LISTED, description="Most events to list.")] = _USUAL_LIMIT
    offset: Annotated[int, Field(ge=0, le=_FARTHEST, description="How many of the first to leave out.")] = 0


@router.get("/status", responses=problems(503))
async def get_status(dependencies: Injected) -> QueueStatusDocument:
    """Counters of the queue, read at one instant and at the same cost however long the queue is."""
    status = await dependencies.admin.status()
    return QueueStatusDocument(
        queue_length=status.queue_length,
        active_events_count=status.active_events_count,
        oldest_event_age_seconds=status.oldest_event_age_seconds,
        events_with_retries=status.events_with_retries,
        processing=status.processing,
        delayed=status.delayed,
    )


@router.get("/events", dependencies=[GivenOnce], responses=problems(422, 503))
async def list_events(page: Annotated[QueuePage, Query()], dependencies: Injected) -> list[QueuedEventDocument]:
    """Living events in the order in which they will run: processing, then waiting, then delayed by due time.

    The queue moves while it is read piece by piece: an event that runs or is put aside between two pieces may be in
    both, or in neither. GET /events has pages that do not move.
    """
    listed = await dependencies.admin.list_events(page.limit, offset=page.offset)
    return [QueuedEventDocument.at(living) for living in listed]
