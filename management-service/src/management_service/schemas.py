"""The documents that the API takes and gives, as the clients see them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from event_queue.audit import AuditKind, EventRecord
from event_queue.events import Command, RebalanceEvent
from event_queue.outcomes import EventState, LivingEvent

_EVENT_EXAMPLE: dict[str, Any] = {
    "event_id": "550e8400-e29b-41d4-a716-446655440000",
    "account_id": "DU123456",
    "exec_command": "rebalance",
    "times_queued": 3,
    "created_at": "2023-12-01T10:00:00Z",
    "source": "ably",
    "data": {"exec": "rebalance"},
}

_DETAILS_EXAMPLE: dict[str, Any] = _EVENT_EXAMPLE | {
    "status": "delayed",
    "due_at": "2023-12-01T10:05:00Z",
    "result": None,
    "error_message": "no connection to the gateway",
    "completed_at": None,
    "history": [{"kind": "queued", "recorded_at": "2023-12-01T10:00:00Z", "times_queued": 1, "details": {}}],
    "note": None,
}


class NewEvent(BaseModel):
    """Body of POST /queue/events."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"account_id": "DU123456", "exec_command": "rebalance", "data": {"exec": "rebalance"}}]
        },
    )

    account_id: Annotated[str, Field(min_length=1, max_length=50)]
    exec_command: Annotated[str, Field(json_schema_extra={"enum": [command.value for command in Command]})]
    data: dict[str, Any] | None = None
    """Carried with the event unchanged; `exec`, when given, must say the same as `exec_command`."""


class EventDocument(BaseModel):
    """An event."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EVENT_EXAMPLE]})

    event_id: UUID
    account_id: str
    exec_command: str
    times_queued: int
    created_at: datetime
    source: str
    data: dict[str, Any]
    recovered: Annotated[bool, Field(exclude_if=lambda is_recovered: not is_recovered)] = False
    """True for an event that came back from the history after Redis had lost it; else left out."""

    @classmethod
    def of(cls, event: RebalanceEvent) -> "EventDocument":
        """The event as clients see it."""
        return cls(**event.model_dump())

    @staticmethod
    def fields_of(record: EventRecord) -> dict[str, Any]:
        """The same fields of an event that stands in the history."""
        return {
            "event_id": record.event_id,
            "account_id": record.account_id,
            "exec_command": record.exec_command,
            "times_queued": record.times_queued,
            "created_at": record.created_at,
            "source": record.source,
            "data": record.payload,
        }


class AddedEventDocument(EventDocument):
    """A new event, with a note only when it will not run for now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_EVENT_EXAMPLE | {"note": "trading is paused for DU123456: the event waits"}]}
    )

    note: str | None = None

    @classmethod
    def queued(cls, event: RebalanceEvent, note: str | None) -> "AddedEventDocument":
        """The event; without a note the field stays unset, so that it is left out of the answer."""
        told = event.model_dump()
        return cls(**told) if note is None else cls(**told, note=note)


class QueuedEventDocument(EventDocument):
    """An event that has not ended, and where it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_EVENT_EXAMPLE | {"state": "delayed", "due_at": "2023-12-01T10:05:00Z"}]}
    )

    state: EventState
    due_at: datetime | None
    """When a delayed event joins the line; null while it waits for trading to be resumed."""

    @classmethod
    def at(cls, living: LivingEvent) -> "QueuedEventDocument":
        """The event with its place."""
        return cls(**living.event.model_dump(), state=living.state, due_at=living.due_at)


class HistoryDocument(BaseModel):
    """One thing that happened to an event."""

    kind: AuditKind
    recorded_at: datetime
    times_queued: int
    details: dict[str, Any]


class EventDetailsDocument(EventDocument):
    """An event with what happened to it; an ended one comes from the history alone."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DETAILS_EXAMPLE]})

    recovered: bool = False
    """Whether it came back from the history after Redis had lost it."""
    status: str
    """waiting, delayed or processing while it lives; completed, skipped or deleted afterwards."""
    due_at: datetime | None
    result: dict[str, Any] | None
    error_message: str | None
    completed_at: datetime | None
    history: list[HistoryDocument] | None
    """Oldest first; null when PostgreSQL cannot be asked."""
    note: str | None
    """Why something is missing, in words."""

    @classmethod
    def living(cls, living: LivingEvent, record: EventRecord | None, note: str | None) -> "EventDetailsDocument":
        """A living event: the queue says where it is, the history what happened."""
        return cls(
            **living.event.model_dump(),
            status=living.state,
            due_at=living.due_at,
            result=None if record is None else record.result,
            error_message=None if record is None else record.error_message,
            completed_at=None,
            history=None if record is None else _history(record),
            note=note,
        )

    @classmethod
    def ended(cls, record: EventRecord, note: str | None) -> "EventDetailsDocument":
        """An event that the queue no longer holds."""
        return cls(
            **cls.fields_of(record),
            recovered=any(entry.details.get("from_history") for entry in record.history),
            status=record.status,
            due_at=None,
            result=record.result,
            error_message=record.error_message,
            completed_at=record.completed_at,
            history=_history(record),
            note=note,
        )


def _history(record: EventRecord) -> list[HistoryDocument]:
    return [
        HistoryDocument(
            kind=entry.kind, recorded_at=entry.recorded_at, times_queued=entry.times_queued, details=entry.details
        )
        for entry in record.history
    ]


class QueueStatusDocument(BaseModel):
    """Counters of the queue at one instant."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "queue_length": 5,
                    "active_events_count": 7,
                    "oldest_event_age_seconds": 120,
                    "events_with_retries": 1,
                    "processing": 1,
                    "delayed": 1,
                }
            ]
        }
    )

    queue_length: int
    """Events waiting in the line; delayed and processing ones are counted apart."""
    active_events_count: int
    """Events that have not ended, wherever they are."""
    oldest_event_age_seconds: int
    events_with_retries: int
    processing: int
    delayed: int


class ProbeDocument(BaseModel):
    """Answer to a container's probe."""

    status: Literal["alive", "ready"]
