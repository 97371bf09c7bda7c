"""Routes of the queue as a whole."""

from typing import Annotated

from fastapi import APIRouter, Query

from management_service.dependencies import Injected
from management_service.responses import problems
from management_service.schemas import QueuedEventDocument, QueueStatusDocument

router = APIRouter(prefix="/queue", tags=["queue"])


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


@router.get("/events", responses=problems(422, 503))
async def list_events(
    dependencies: Injected, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[QueuedEventDocument]:
    """Living events in the order in which they will run: processing, then waiting, then delayed by due time."""
    return [QueuedEventDocument.at(living) for living in await dependencies.admin.list_events(limit)]
