"""The audit kept in memory: what PostgreSQL does, without PostgreSQL."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from event_queue.audit import (
    FINAL_STATUSES,
    STATUS_AFTER,
    SWITCH_KINDS,
    AuditKind,
    AuditRecord,
    Cursor,
    EventFilter,
    EventRecord,
    EventStatus,
    HistoryEntry,
    PagePosition,
    PauseRecord,
    SetApart,
)
from event_queue.codec import decode_event, from_ms
from event_queue.errors import AuditUnavailable, ReadTooEarly
from event_queue.stream_ids import check_order, stream_position


class MemoryAudit:
    """`AuditStore` in memory, checked by the same contract suite as the real one.

    Set `available` to False to have every call raise AuditUnavailable.
    """

    def __init__(self) -> None:
        """Start without history."""
        self.available = True
        self.records: dict[int, AuditRecord] = {}
        """Every stored record by counter."""
        self.epoch = 0
        """Raise it, and what was read before is refused."""
        self._cursor = (0, "0-0")

    async def append(self, records: Sequence[AuditRecord], *, epoch: int | None = None) -> Sequence[SetApart]:
        """Store records; those stored before are recognised by their counter. Memory sets none apart."""
        self._answer()
        if epoch not in (None, self.epoch):
            raise ReadTooEarly("another epoch has begun")
        if not records:
            return ()
        counter, stream_id = self._cursor
        check_order(records, counter=counter, stream_id=stream_id, known=self._known(records))
        for record in records:
            self.records.setdefault(record.counter, record)
        self._cursor = max(self._cursor, *((record.counter, record.stream_id) for record in records))
        return ()

    async def cursor(self) -> Cursor:
        """Where to go on reading."""
        self._answer()
        return Cursor(self._cursor[1], self.epoch)

    async def get_event(self, event_id: UUID) -> EventRecord | None:
        """An event's present or final state with its history."""
        self._answer()
        return self._fold(event_id)

    async def list_events(
        self, matching: EventFilter, *, limit: int, after: PagePosition | None = None
    ) -> Sequence[EventRecord]:
        """A page of events, youngest first, without their histories."""
        self._answer()
        events = [event for event in self._events() if _matches(event, matching) and _is_behind(event, after)]
        events.sort(key=lambda event: (event.created_at, event.event_id), reverse=True)
        return tuple(replace(event, history=()) for event in events[:limit])

    async def list_pauses(self, *, limit: int) -> Sequence[PauseRecord]:
        """The latest pauses and resumptions of trading, youngest first."""
        self._answer()
        told = [record for _, record in sorted(self.records.items(), reverse=True) if record.kind in SWITCH_KINDS]
        return tuple(_pause_record(record) for record in told[:limit])

    async def ping(self) -> None:
        """Raise AuditUnavailable unless available."""
        self._answer()

    async def purge(self, *, now: datetime, retention: timedelta) -> int:
        """Delete what is over and was last told of longer ago than the retention, as `purge_until.sql` says."""
        self._answer()
        until = min(now, _moment_of(self._cursor[1])) - retention
        events = self._events()
        old = {event.event_id for event in events if _is_over(event, until)}
        kept = {event.event_id for event in events} - old
        resumed = {r.account_id: r.counter for _, r in sorted(self.records.items()) if r.kind is AuditKind.RESUMED}
        self.records = {
            counter: record
            for counter, record in self.records.items()
            if record.event_id in kept
            or (record.recorded_at >= until and record.event_id not in old)
            or (record.kind in SWITCH_KINDS and counter >= resumed.get(record.account_id, 0))
        }
        return len(old)

    def _answer(self) -> None:
        if not self.available:
            raise AuditUnavailable("the audit in memory was told to be unavailable")

    def _known(self, records: Sequence[AuditRecord]) -> dict[int, str]:
        stored = self.records
        return {record.counter: stored[record.counter].stream_id for record in records if record.counter in stored}

    def _events(self) -> list[EventRecord]:
        known = {record.event_id for record in self.records.values() if record.event_id is not None}
        folded = [self._fold(event_id) for event_id in known]
        return [event for event in folded if event is not None]

    def _fold(self, event_id: UUID) -> EventRecord | None:
        history = sorted((r for r in self.records.values() if r.event_id == event_id), key=lambda r: r.counter)
        moves = _until_end([record for record in history if record.kind in STATUS_AFTER])
        return fold_history(history, moves) if moves else None


def _until_end(moves: list[AuditRecord]) -> list[AuditRecord]:
    """An ended event stays ended, whatever is told of it later."""
    ends = (number for number, move in enumerate(moves, 1) if STATUS_AFTER[move.kind] in FINAL_STATUSES)
    return moves[: next(ends, len(moves))]


def fold_history(history: Sequence[AuditRecord], moves: Sequence[AuditRecord]) -> EventRecord:
    """The state of one event after its records, given in order; `moves` are those that change its status."""
    last = moves[-1]
    event = decode_event(last.event_json)
    status = STATUS_AFTER[last.kind]
    due = _details(last).get("next_attempt_at")
    failed = [record.recorded_at for record in moves if record.kind is AuditKind.REQUEUED]
    error = None if status in (EventStatus.COMPLETED, EventStatus.SKIPPED) else _latest(moves, "error")
    return EventRecord(
        event_id=event.event_id,
        account_id=event.account_id,
        exec_command=event.exec_command,
        source=event.source,
        status=status,
        times_queued=event.times_queued,
        payload=event.data,
        result=_latest(moves, "result"),
        error_message=error,
        created_at=event.created_at,
        received_at=_first_moment(moves, AuditKind.QUEUED) or event.created_at,
        started_at=_first_moment(moves[::-1], AuditKind.CLAIMED),
        completed_at=last.recorded_at if status in FINAL_STATUSES else None,
        next_attempt_at=datetime.fromisoformat(due) if due else None,
        first_failed_date=failed[0].astimezone(UTC).date() if failed else None,
        history=tuple(_entry(record) for record in history),
    )


def _details(record: AuditRecord) -> dict[str, Any]:
    return json.loads(record.details_json)


def _latest(moves: Sequence[AuditRecord], field: str) -> Any:
    return next((_details(record)[field] for record in reversed(moves) if field in _details(record)), None)


def _first_moment(moves: Sequence[AuditRecord], kind: AuditKind) -> datetime | None:
    return next((record.recorded_at for record in moves if record.kind is kind), None)


def _pause_record(record: AuditRecord) -> PauseRecord:
    told = _details(record)
    return PauseRecord(
        record.counter, record.kind, record.account_id, told["actor"], told.get("reason"), record.recorded_at
    )


def _entry(record: AuditRecord) -> HistoryEntry:
    times_queued = decode_event(record.event_json).times_queued
    return HistoryEntry(record.counter, record.kind, record.recorded_at, times_queued, _details(record))


def _matches(event: EventRecord, matching: EventFilter) -> bool:
    return (
        matching.account_id in (None, event.account_id)
        and matching.exec_command in (None, event.exec_command)
        and matching.status in (None, event.status)
        and (matching.created_from is None or event.created_at >= matching.created_from)
        and (matching.created_until is None or event.created_at < matching.created_until)
    )


def _moment_of(stream_id: str) -> datetime:
    return from_ms(stream_position(stream_id)[0])


def _is_over(event: EventRecord, until: datetime) -> bool:
    return event.status in FINAL_STATUSES and max(entry.recorded_at for entry in event.history) < until


def _is_behind(event: EventRecord, after: PagePosition | None) -> bool:
    return after is None or (event.created_at, event.event_id) < (after.created_at, after.event_id)
