"""Routes of single events: add, look at, delete."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, assert_never
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Response

from event_queue.audit import FINAL_STATUSES, EventRecord
from event_queue.errors import AuditUnavailable
from event_queue.events import Command, RebalanceEvent
from event_queue.outcomes import AlreadySeen, Deleted, Duplicate, InProgress, NotFound, Pause, Queued, Remembered
from event_queue.payloads import validate_payload
from event_queue.ports.history import AuditStore
from management_service.admission import find_faults
from management_service.auth import RequireKey
from management_service.dependencies import Injected
from management_service.errors import Refused
from management_service.history import read_history
from management_service.problems import Problem, invalid_fields
from management_service.responses import problems
from management_service.schemas import AddedEventDocument, EventDetailsDocument, EventDocument, NewEvent
from management_service.typed_body import body_of, described

router = APIRouter(prefix="/queue/events", tags=["events"])

_log = structlog.get_logger(__name__)

_NO_HISTORY = "PostgreSQL, which keeps the history, did not answer"
_HISTORY_BEHIND = "the history is behind: the event has ended, but its end is not written yet"


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model_exclude_unset=True,
    dependencies=[RequireKey],
    responses=problems(400, 401, 408, 409, 413, 415, 422, 429, 503, 507),
    openapi_extra=described(NewEvent),
)
async def add_event(
    request: Annotated[NewEvent, Depends(body_of(NewEvent))], dependencies: Injected, response: Response
) -> AddedEventDocument:
    """Queue an event for an account, unless the same command is already waiting or in work for it.

    While trading is paused for the account, a rebalance is queued all the same, and waits.
    """
    faults = find_faults(request, dependencies.accounts, dependencies.trading_mode)
    if faults:
        raise Refused(invalid_fields(*faults))
    data = request.data or {}
    validate_payload(data)
    event = RebalanceEvent.new(
        account_id=request.account_id,
        exec_command=Command(request.exec_command),
        source="api",
        now=dependencies.clock.now(),
        data=data,
    )
    pauses = await dependencies.trading.read()
    queued = await _enqueue(event, dependencies)
    response.headers["Location"] = f"/queue/events/{queued.event_id}"
    return AddedEventDocument.queued(queued, _note_on(queued, pauses.values()))


def _note_on(event: RebalanceEvent, pauses: Iterable[Pause]) -> str | None:
    covering = next((pause for pause in pauses if pause.covers(event.account_id)), None)
    if covering is None or event.exec_command is not Command.REBALANCE:
        return None
    return f"trading is paused for {event.account_id} by {covering.actor} ({covering.reason}): the event waits"


async def _enqueue(event: RebalanceEvent, dependencies: Injected) -> RebalanceEvent:
    outcome = await dependencies.intake.enqueue(event)
    match outcome:
        case Queued():
            _log.info("event_queued", event_id=str(event.event_id), account_id=event.account_id, source="api")
            return outcome.event
        case Duplicate() | Remembered():
            raise Refused(_duplicate(event, outcome.active_event_id))
        case AlreadySeen():
            return event
        case _:
            assert_never(outcome)


def _duplicate(event: RebalanceEvent, active_event_id: UUID) -> Problem:
    return Problem(
        HTTPStatus.CONFLICT,
        f"{event.exec_command} for {event.account_id} is already waiting or in work as event {active_event_id}",
        kind="duplicate-event",
        title="The same event is active",
        active_event_id=active_event_id,
    )


@router.get("/{event_id}", responses=problems(404, 422, 503))
async def get_event(event_id: UUID, dependencies: Injected) -> EventDetailsDocument:
    """One event, living or ended, with its history and result."""
    living = await dependencies.admin.get_event(event_id)
    if living is not None:
        record, note = await _history_if_reachable(dependencies.audit, event_id)
        return EventDetailsDocument.living(living, record, note)
    # Asked before the history: what is not on its way there any more has arrived.
    on_the_way = (await dependencies.admin.status()).outbox_length
    record = await read_history(dependencies.audit, event_id)
    if record is None:
        raise Refused(_not_written_yet(event_id, on_the_way) if on_the_way else _not_found(event_id))
    return EventDetailsDocument.ended(record, None if record.status in FINAL_STATUSES else _HISTORY_BEHIND)


async def _history_if_reachable(audit: AuditStore, event_id: UUID) -> tuple[EventRecord | None, str | None]:
    try:
        record = await read_history(audit, event_id)
    except AuditUnavailable:
        return None, _NO_HISTORY
    return record, None if record else "the history has not been told of this event yet"


@router.delete("/{event_id}", dependencies=[RequireKey], responses=problems(401, 404, 409, 422, 429, 503))
async def delete_event(event_id: UUID, dependencies: Injected) -> EventDocument:
    """Remove a waiting or delayed event; one that is being processed stays."""
    outcome = await dependencies.admin.delete(event_id, actor="api")
    match outcome:
        case Deleted():
            _log.info("event_deleted", event_id=str(event_id), account_id=outcome.event.account_id)
            return EventDocument.of(outcome.event)
        case NotFound():
            raise Refused(_not_found(event_id))
        case InProgress():
            raise Refused(_in_progress(event_id))
        case _:
            assert_never(outcome)


def _not_found(event_id: UUID) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"there is no event {event_id}", kind="event-not-found", title="No such event")


def _not_written_yet(event_id: UUID, on_the_way: int) -> Problem:
    """An event that has just ended, or none: only the history will tell."""
    return Problem(
        HTTPStatus.NOT_FOUND,
        f"event {event_id} is not in the queue, nor in the history yet, which lacks {on_the_way} records: ask again",
        kind="event-not-found",
        title="No such event, so far",
        headers={"Retry-After": "1"},
    )


def _in_progress(event_id: UUID) -> Problem:
    return Problem(
        HTTPStatus.CONFLICT,
        f"event {event_id} is being processed and may have orders at the brokerage; wait until it ends or is requeued",
        kind="event-in-progress",
        title="The event is being processed",
    )
