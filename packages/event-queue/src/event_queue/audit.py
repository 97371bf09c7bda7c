"""Audit records: what each change of state leaves in the outbox, and what PostgreSQL keeps of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class AuditKind(StrEnum):
    """Every kind of record. The transitions move an event; the last three only tell what an attempt did."""

    QUEUED = "queued"
    DUPLICATE = "duplicate"
    COALESCED = "coalesced"
    CLAIMED = "claimed"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    REQUEUED = "requeued"
    DELAYED = "delayed"
    RECOVERED = "recovered"
    DELETED = "deleted"
    ORDER_INTENT = "order_intent"
    ORDER_RESULT = "order_result"
    FILL = "fill"


class EventStatus(StrEnum):
    """Status of an event in PostgreSQL. COMPLETED, SKIPPED and DELETED are final."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    DELAYED = "delayed"
    SKIPPED = "skipped"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One entry of the outbox."""

    counter: int
    """Gapless, growing by one, given by the script that made the change."""
    stream_id: str
    kind: AuditKind
    event_id: UUID
    account_id: str
    recorded_at: datetime
    event_json: str
    """The event as it was right after the transition."""
    details_json: str
    """What the kind adds: result, error, due time, order, fill, the twin of a duplicate; `{}` when nothing."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One row of an event's history, for people and the API."""

    counter: int
    kind: AuditKind
    recorded_at: datetime
    times_queued: int
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One row of `rebalance_events`: an event's present or final state, with its history."""

    event_id: UUID
    account_id: str
    exec_command: str
    source: str
    status: EventStatus
    times_queued: int
    payload: dict[str, Any]
    result: dict[str, Any] | None
    error_message: str | None
    received_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    next_attempt_at: datetime | None
    history: tuple[HistoryEntry, ...]
