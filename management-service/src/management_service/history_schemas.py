"""The documents of the history, as the clients see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from event_queue.audit import EventRecord, EventStatus
from management_service.schemas import EventDocument

_EVENT_EXAMPLE: dict[str, Any] = {
    "event_id": "550e8400-e29b-41d4-a716-446655440000",
    "account_id": "DU123456",
    "exec_command": "rebalance",
    "times_queued": 1,
    "created_at": "2023-12-01T10:00:00Z",
    "source": "ably",
    "data": {"exec": "rebalance"},
    "status": "completed",
    "result": {"status": "success", "orders": []},
    "error_message": None,
    "received_at": "2023-12-01T10:00:00Z",
    "started_at": "2023-12-01T10:00:01Z",
    "completed_at": "2023-12-01T10:00:03Z",
    "next_attempt_at": None,
}


class PastEventDocument(EventDocument):
    """An event as PostgreSQL knows it; its own page, GET /queue/events/{event_id}, also tells what happened to it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EVENT_EXAMPLE]})

    status: EventStatus
    result: dict[str, Any] | None
    error_message: str | None
    """What the latest failed attempt said."""
    received_at: datetime
    started_at: datetime | None
    """Start of the latest attempt."""
    completed_at: datetime | None
    """When it ended, however it ended."""
    next_attempt_at: datetime | None
    """End of the present pause."""

    @classmethod
    def recorded(cls, record: EventRecord) -> "PastEventDocument":
        """The event's row."""
        return cls(
            **cls.fields_of(record),
            status=record.status,
            result=record.result,
            error_message=record.error_message,
            received_at=record.received_at,
            started_at=record.started_at,
            completed_at=record.completed_at,
            next_attempt_at=record.next_attempt_at,
        )


class HistoryPageDocument(BaseModel):
    """Answer of GET /events."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"events": [_EVENT_EXAMPLE], "next_cursor": None}]})

    events: list[PastEventDocument]
    """Youngest first."""
    next_cursor: str | None
    """For the next page; null on the last one."""

    @classmethod
    def of(cls, records: Sequence[EventRecord], next_cursor: str | None) -> "HistoryPageDocument":
        """A page as clients see it."""
        return cls(events=[PastEventDocument.recorded(record) for record in records], next_cursor=next_cursor)
