"""The audit in PostgreSQL: batches of records in, events and their histories out."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from event_queue.audit import (
    STATUS_AFTER,
    SWITCH_KINDS,
    AuditKind,
    AuditRecord,
    EventFilter,
    EventRecord,
    EventStatus,
    HistoryEntry,
    PagePosition,
    PauseRecord,
)
from event_queue.postgres_past import PostgresPast
from event_queue.postgres_pool import AuditPool, PostgresAddress, open_pool
from event_queue.sql_files import QueryName, load_queries
from event_queue.stream_ids import check_order

MOST_HISTORY: Final = 1000
"""Most records of one event that are read at once; the latest ones."""
_PURGED_AT_ONCE: Final = 1000
_ORDER_TABLES: Final[Mapping[AuditKind, QueryName]] = {
    AuditKind.ORDER_INTENT: "upsert_order_intents",
    AuditKind.ORDER_RESULT: "upsert_order_results",
    AuditKind.FILL: "upsert_fills",
}
_REFUSED: Final = (
    asyncpg.DataError,  # class 22: a value cannot be stored
    asyncpg.IntegrityConstraintViolationError,  # class 23: a field is missing, or not one of those allowed
    asyncpg.ProgramLimitExceededError,  # class 54: too large or too deep
)


class PostgresAudit:
    """`AuditStore` on PostgreSQL."""

    def __init__(self, pool: AuditPool, queries: Mapping[QueryName, str]) -> None:
        """Take an open pool, which stays the caller's to close, and the loaded statements."""
        self._pool = pool
        self._queries = queries
        self.past = PostgresPast(pool, queries)

    async def append(self, records: Sequence[AuditRecord]) -> None:
        """Store records and the cursor in one transaction; see `AuditStore.append`.

        A batch that PostgreSQL refuses is halved until the bad records are found; they go to `audit_quarantine`.
        """
        if not records:
            return
        refusal = await self._store(records)
        if refusal is None:
            return
        if len(records) == 1:
            await self._quarantine(records[0], refusal)
            return
        middle = len(records) // 2
        await self.append(records[:middle])
        await self.append(records[middle:])

    async def cursor(self) -> str:
        """Stream id of the last stored record, `0-0` when none."""
        async with self._pool.connection("read_cursor") as connection:
            return await connection.fetchval(self._queries["read_cursor"]) or "0-0"

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

    async def purge(self, *, older_than: datetime) -> int:
        """Delete ended events of before that moment with all that hangs on them, in transactions of 1000 events."""
        removed = 0
        async with self._pool.connection("purge") as connection:
            while gone := await connection.fetchval(self._queries["purge_events"], older_than, _PURGED_AT_ONCE):
                removed += gone
            await connection.execute(self._queries["purge_refused"], older_than)
        return removed

    async def _store(self, records: Sequence[AuditRecord]) -> Exception | None:
        """Store a batch whole, or nothing of it and return why PostgreSQL refused it."""
        async with self._pool.connection("append") as connection:
            try:
                async with connection.transaction():
                    await self._check_history(connection, records)
                    await self._insert(connection, records)
                    await self._move_cursor(connection, records)
            except _REFUSED as refusal:
                return refusal
        return None

    async def _check_history(self, connection: Any, records: Sequence[AuditRecord]) -> None:
        cursor = await connection.fetchrow(self._queries["lock_cursor"])
        known = await connection.fetchrow(self._queries["find_divergence"], *_columns(records, "counter", "stream_id"))
        check_order(records, counter=cursor["counter"], stream_id=cursor["stream_id"], known=known)

    async def _insert(self, connection: Any, records: Sequence[AuditRecord]) -> None:
        pauses = [record for record in records if record.kind in SWITCH_KINDS]
        if pauses:
            fields = ("counter", "stream_id", "kind", "account_id", "recorded_at", "details_json")
            await connection.execute(self._queries["append_pauses"], *_columns(pauses, *fields))
        await self._insert_events(connection, [record for record in records if record.kind not in SWITCH_KINDS])

    async def _insert_events(self, connection: Any, records: Sequence[AuditRecord]) -> None:
        columns = _columns(
            records,
            *("counter", "stream_id", "kind", "event_id", "account_id", "recorded_at", "event_json", "details_json"),
        )
        statuses = [STATUS_AFTER.get(record.kind) for record in records]
        await connection.execute(self._queries["append_history"], *columns, statuses)
        for kind, query in _ORDER_TABLES.items():
            told = [record for record in records if record.kind is kind]
            if told:
                fields = ("counter", "event_id", "account_id", "recorded_at", "details_json")
                await connection.execute(self._queries[query], *_columns(told, *fields))
        await self._follow_fills(connection, [record for record in records if record.kind is AuditKind.FILL])

    async def _follow_fills(self, connection: Any, fills: Sequence[AuditRecord]) -> None:
        """Let corrections take their places, and orders know of what filled after the last word on them."""
        if fills:
            await connection.execute(self._queries["drop_replaced_fills"], *_columns(fills, "event_id"))
            await connection.execute(self._queries["settle_orders"], *_columns(fills, "details_json"))

    async def _move_cursor(self, connection: Any, records: Sequence[AuditRecord]) -> None:
        last = max(records, key=lambda record: record.counter)
        await connection.execute(self._queries["move_cursor"], last.counter, last.stream_id)

    async def _quarantine(self, record: AuditRecord, refusal: Exception) -> None:
        async with self._pool.connection("quarantine") as connection, connection.transaction():
            await self._check_history(connection, [record])
            await connection.execute(
                self._queries["quarantine"],
                record.counter,
                record.stream_id,
                record.kind,
                record.event_id,
                _as_bytes(record.event_json),
                _as_bytes(record.details_json),
                f"{type(refusal).__name__}: {refusal}",
            )
            await self._move_cursor(connection, [record])


@asynccontextmanager
async def open_postgres(address: PostgresAddress) -> AsyncGenerator[PostgresAudit]:
    """Open the audit; connects at the first call, so PostgreSQL may come up later."""
    async with open_pool(address) as pool:
        yield PostgresAudit(pool, load_queries())


def _as_bytes(text: str) -> bytes:
    """The bytes that Redis held, invalid UTF-8 included (`RedisOutbox` reads it as lone surrogates)."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")


def _columns(records: Sequence[AuditRecord], *fields: str) -> list[list[Any]]:
    return [[getattr(record, field) for record in records] for field in fields]


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
