"""Audit records: what each change of state leaves in the outbox, and what PostgreSQL keeps of it.

`details_json` is an object whose fields depend on the kind of record:

    queued        follows (id of the ended event whose newer signal this is), healed_active_event_id; both rare
    duplicate     active_event_id: the twin that was waiting or in work
    coalesced     active_event_id: the twin, in work or in a halted queue; this signal will follow it unless a newer one
                  replaces it
                  (all three of a message also: channel, message_id, sent_at (only when nothing before it is open))
    claimed       slot, fence
    completed     result
    skipped       result
    requeued      error, result, next_attempt_at (only with a pause)
    delayed       reason, next_attempt_at
    parked        reason, next_attempt_at (only when trading was resumed meanwhile)
    recovered     slot, fence, next_attempt_at (only with a pause); or from_history, when Redis was lost meanwhile
    deleted       actor, superseded_by (an event of the same pair, taken in after Redis had lost this one)
    restored      from_history or from_queue: Redis or history had lost the event, and knows it again
    resynced      ended_as: Redis had gone back to before this event's end, and follows history again
    order_intent  order_ref, symbol, side (BUY or SELL), quantity, order_type, limit_price, time_in_force, reason
    order_result  the same, and status (the brokerage's, NOT_SENT or UNCONFIRMED), filled_quantity, average_price,
                  commission, message;
                  trading_day (only of orders that will fill later, as those for the close)
    fill          exec_id, order_ref, symbol, side, quantity, price, commission, commission_currency, executed_at;
                  replaces (only of a correction: the exec_ids under which the execution was told before); quantity 0
                  takes those back (a bust)
    paused        scope, actor, reason; trading as a whole, no event
    resumed       scope, actor; trading as a whole, no event

limit_price, reason, filled_quantity, average_price, commission and message may be null; a fill's commission is null
until it is reported. A fill may be told again once that is known, and may come after its event ended.
Quantities and money are decimal numbers written as text; moments are RFC 3339.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import UUID


class AuditKind(StrEnum):
    """Every kind of record.

    The transitions move an event; an order's three kinds only tell what an attempt did; PAUSED and RESUMED are of no
    event at all.
    """

    QUEUED = "queued"
    DUPLICATE = "duplicate"
    COALESCED = "coalesced"
    CLAIMED = "claimed"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    REQUEUED = "requeued"
    DELAYED = "delayed"
    PARKED = "parked"
    RECOVERED = "recovered"
    DELETED = "deleted"
    RESTORED = "restored"
    RESYNCED = "resynced"
    ORDER_INTENT = "order_intent"
    ORDER_RESULT = "order_result"
    FILL = "fill"
    PAUSED = "paused"
    RESUMED = "resumed"
    UNREADABLE = "unreadable"
    """An entry of the outbox that makes no sense; only ever in quarantine."""


class EventStatus(StrEnum):
    """Status of an event in PostgreSQL. COMPLETED, SKIPPED and DELETED are final."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    DELAYED = "delayed"
    SKIPPED = "skipped"
    DELETED = "deleted"


STATUS_AFTER: Final[Mapping[AuditKind, EventStatus]] = MappingProxyType(
    {
        AuditKind.QUEUED: EventStatus.PENDING,
        AuditKind.CLAIMED: EventStatus.PROCESSING,
        AuditKind.COMPLETED: EventStatus.COMPLETED,
        AuditKind.SKIPPED: EventStatus.SKIPPED,
        AuditKind.REQUEUED: EventStatus.FAILED,
        AuditKind.DELAYED: EventStatus.DELAYED,
        AuditKind.PARKED: EventStatus.DELAYED,
        AuditKind.RECOVERED: EventStatus.PENDING,
        AuditKind.RESTORED: EventStatus.PENDING,
        AuditKind.DELETED: EventStatus.DELETED,
    }
)
"""What an event's status becomes with each transition; the kinds missing here move no event."""
MOVES: Final = ([kind.value for kind in STATUS_AFTER], [status.value for status in STATUS_AFTER.values()])
"""The same as two columns, for statements."""

ORDER_KINDS: Final = frozenset({AuditKind.ORDER_INTENT, AuditKind.ORDER_RESULT, AuditKind.FILL})
"""Kinds that tell of an event's orders and do not move it; a fill may be told of an event that is not in the queue."""

SWITCH_KINDS: Final = frozenset({AuditKind.PAUSED, AuditKind.RESUMED})
"""Kinds that tell of trading as a whole and belong to no event."""

FINAL_STATUSES: Final = frozenset({EventStatus.COMPLETED, EventStatus.SKIPPED, EventStatus.DELETED})


class AuditRecord(NamedTuple):
    """One entry of the outbox, its fields in the order of the columns of `event_history`."""

    counter: int
    """Gapless, growing by one, given by the script that made the change."""
    stream_id: str
    kind: AuditKind
    event_id: UUID | None
    """None for SWITCH_KINDS and UNREADABLE."""
    account_id: str
    """For SWITCH_KINDS the scope."""
    recorded_at: datetime
    event_json: str
    """The event as it was right after the transition; `null` for SWITCH_KINDS, the whole entry as JSON for
    UNREADABLE."""
    details_json: str
    """What the kind adds: result, error, due time, order, fill, the twin of a duplicate; `{}` when nothing."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a relay goes on reading."""

    stream_id: str = "0-0"
    """Of the last stored record, `0-0` when none."""
    epoch: int = 0
    """What is read after this was asked may be stored until another epoch begins."""


@dataclass(frozen=True, slots=True)
class SetApart:
    """A record that PostgreSQL refused: it is kept in `audit_quarantine`, byte for byte, and in no history."""

    counter: int
    event_id: UUID | None
    """None where the record names no event."""
    reason: str
    """What PostgreSQL said."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One row of an event's history, for people and the API."""

    counter: int
    kind: AuditKind
    recorded_at: datetime
    times_queued: int
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PauseRecord:
    """One pause or resumption of trading, as history keeps it."""

    counter: int
    kind: AuditKind
    """PAUSED or RESUMED."""
    scope: str
    """An account's id, or `*` for all."""
    actor: str
    reason: str | None
    """None for a resumption."""
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One row of `rebalance_events`: an event's present or final state, with its history (empty in listings)."""

    event_id: UUID
    account_id: str
    exec_command: str
    source: str
    status: EventStatus
    times_queued: int
    payload: dict[str, Any]
    result: dict[str, Any] | None
    error_message: str | None
    """What the latest failed attempt said; None once the event completed or was skipped."""
    created_at: datetime
    received_at: datetime
    started_at: datetime | None
    """Start of the latest attempt."""
    completed_at: datetime | None
    """When it ended, however it ended."""
    next_attempt_at: datetime | None
    """End of the present pause."""
    first_failed_date: date | None
    """Day of the first failed attempt, in UTC."""
    history: tuple[HistoryEntry, ...]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events of the past to list; None matches all."""

    account_id: str | None = None
    exec_command: str | None = None
    status: EventStatus | None = None
    created_from: datetime | None = None
    """Inclusive."""
    created_until: datetime | None = None
    """Exclusive."""


@dataclass(frozen=True, slots=True)
class PagePosition:
    """Where a listing stopped: the last event of a page; the next page starts behind it."""

    created_at: datetime
    event_id: UUID
