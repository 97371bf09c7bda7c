"""The audit in PostgreSQL: batches of records in, events and their histories out."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from event_queue.audit import (
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
from event_queue.postgres_append import PostgresAppender
from event_queue.postgres_durability import durability_dangers
from event_queue.postgres_past import PostgresPast
from event_queue.postgres_pool import AuditPool, PostgresAddress, open_pool
from event_queue.sql_files import QueryName, load_queries

MOST_HISTORY: Final = 1000
"""Most records of one event that are read at once; the latest ones."""
_EVENTS_AT_ONCE: Final = 1000
_RECORDS_AT_ONCE: Final = 5000
"""Most that one transaction of a purge deletes."""


class PostgresAudit:
    """`AuditStore` on PostgreSQL."""

    def __init__(self, pool: AuditPool, queries: Mapping[QueryName, str]) -> None:
        """Take an open pool, which stays the caller's to close, and the loaded statements."""
        self._pool = pool
        self._queries = queries
        self._appender = PostgresAppender(pool, queries)
        self.past = PostgresPast(pool, queries)

    async def append(self, records: Sequence[AuditRecord], *, epoch: int | None = None) -> Sequence[SetApart]:
        """Store records and the cursor in one transaction; see `AuditStore.append`.

        A batch that PostgreSQL refuses is halved until the bad records are found; they go to `audit_quarantine`.
        """
        return await self._appender.append(records, epoch)

    async def cursor(self) -> Cursor:
        """Where to go on reading, asked before each reading."""
        async with self._pool.connection("read_cursor") as connection:
            row = await connection.fetchrow(self._queries["read_cursor"])
        return Cursor(row["stream_id"], row["epoch"]) if row else Cursor()

    async def get_event(self, event_id: UUID) -> EventRecord | None:
        """An event's row with the latest 1000 records of its history."""
        async with self._pool.connection("get_event") as connection:
            row = await connection.fetchrow(self._queries["get_event"], event_id)
            history = await connection.fetch(self._queries["get_history"], event_id, MOST_HISTORY)
        return None if row is None else _event(row, tuple(_entry(entry) for entry in history))

    async def list_events(
        self, matching: EventFilter, *, limit: int, after: PagePosition | None = None
    ) -> Sequence[EventRecord]:
        """A page of events, youngest first, without their histories."""
        async with self._pool.connection("list_events") as connection:
            rows = await connection.fetch(
                self._queries["list_events"],
                matching.account_id,
                matching.exec_command,
                matching.status,
                matching.created_from,
                matching.created_until,
                after.created_at if after else None,
                after.event_id if after else None,
                limit,
            )
        return tuple(_event(row, ()) for row in rows)

    async def list_pauses(self, *, limit: int) -> Sequence[PauseRecord]:
        """The latest pauses and resumptions of trading, youngest first."""
        async with self._pool.connection("list_pauses") as connection:
            rows = await connection.fetch(self._queries["list_pauses"], limit)
        return tuple(_pause_record(row) for row in rows)

    async def ping(self) -> None:
        """Raise AuditUnavailable unless PostgreSQL answers."""
        async with self._pool.connection("ping") as connection:
            await connection.fetchval(self._queries["ping"])

    async def dangers(self) -> Sequence[str]:
        """What may make it lose history that it has committed, one sentence each."""
        async with self._pool.connection("list_durability") as connection:
            rows = await connection.fetch(self._queries["list_durability"])
        return durability_dangers({row["name"]: row["setting"] for row in rows})

    async def purge(self, *, now: datetime, retention: timedelta) -> int:
        """Delete what is over and older than the retention, some in each transaction; see `AuditStore.purge`."""
        async with self._pool.connection("purge_until") as connection:
            until = await connection.fetchval(self._queries["purge_until"], now, retention)
        removed = await self._purge("purge_events", until, at_once=_EVENTS_AT_ONCE)
        await self._purge("purge_loose", until, at_once=_RECORDS_AT_ONCE)
        return removed

    async def _purge(self, query: QueryName, until: datetime, *, at_once: int) -> int:
        """Each transaction in its own use of a connection: one use of many would be cut off as overdue."""
        removed = 0
        while True:
            async with self._pool.connection(query) as connection:
                gone: int = await connection.fetchval(self._queries[query], until, at_once)
            removed += gone
            if not gone:
                return removed


@asynccontextmanager
async def open_postgres(address: PostgresAddress) -> AsyncGenerator[PostgresAudit]:
    """Open the audit; connects at the first call, so PostgreSQL may come up later."""
    async with open_pool(address) as pool:
        yield PostgresAudit(pool, load_queries())


def _event(row: Any, history: tuple[HistoryEntry, ...]) -> EventRecord:
    return EventRecord(
        event_id=row["event_id"],
        account_id=row["account_id"],
        exec_command=row["exec_command"],
        source=row["source"],
        status=EventStatus(row["status"]),
        times_queued=row["times_queued"],
        payload=json.loads(row["payload"]),
        result=None if row["result"] is None else json.loads(row["result"]),
        error_message=row["error_message"],
        created_at=row["created_at"],
        received_at=row["received_at"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        next_attempt_at=row["next_attempt_at"],
        first_failed_date=row["first_failed_date"],
        history=history,
    )


def _pause_record(row: Any) -> PauseRecord:
    return PauseRecord(
        counter=row["counter"],
        kind=AuditKind(row["kind"]),
        scope=row["scope"],
        actor=row["actor"],
        reason=row["reason"],
        recorded_at=row["recorded_at"],
    )


def _entry(row: Any) -> HistoryEntry:
    return HistoryEntry(
        counter=row["counter"],
        kind=AuditKind(row["kind"]),
        recorded_at=row["recorded_at"],
        times_queued=row["times_queued"],
        details=json.loads(row["details"]),
    )
