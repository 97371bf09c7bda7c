"""Audit records into PostgreSQL: a batch and the cursor in one transaction, with what PostgreSQL refuses set apart."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import asyncpg

from event_queue.audit import MOVES, SWITCH_KINDS, AuditKind, AuditRecord, SetApart
from event_queue.errors import ReadTooEarly
from event_queue.postgres_pool import AuditPool, in_transaction
from event_queue.sql_files import QueryName
from event_queue.stream_ids import check_order

_HISTORY: Final = ("counter", "stream_id", "kind", "event_id", "account_id", "recorded_at", "event", "details")
"""Columns of `event_history`, in the order of a record's fields."""
_ORDER_TABLES: Final[Mapping[AuditKind, QueryName]] = {
    AuditKind.ORDER_INTENT: "upsert_order_intents",
    AuditKind.ORDER_RESULT: "upsert_order_results",
}
_ByKind = dict[AuditKind, list[AuditRecord]]
_counter_of: Final = attrgetter("counter")
_MAY_CLEAR: Final = frozenset({AuditKind.ORDER_INTENT, AuditKind.COMPLETED})
"""Kinds that may tell that no earlier order is open on the account."""
_REFUSED: Final = (
    asyncpg.DataError,  # class 22: a value cannot be stored
    asyncpg.IntegrityConstraintViolationError,  # class 23: a field is missing, or not one of those allowed
    asyncpg.ProgramLimitExceededError,  # class 54: too large or too deep
    UnicodeEncodeError,  # what Redis held is no text
)


class PostgresAppender:
    """The writing side of `AuditStore`."""

    def __init__(self, pool: AuditPool, queries: Mapping[QueryName, str]) -> None:
        """Take an open pool, which stays the caller's to close, and the loaded statements."""
        self._pool = pool
        self._queries = queries

    async def append(self, records: Sequence[AuditRecord], epoch: int | None = None) -> Sequence[SetApart]:
        """Store records and the cursor in one transaction; see `AuditStore.append`.

        A batch that PostgreSQL refuses is halved until the bad records are found; they go to `audit_quarantine`.
        """
        if not records:
            return ()
        refusal = await self._store(records, epoch)
        if refusal is None:
            return ()
        if len(records) == 1:
            return (await self._quarantine(records[0], epoch, refusal),)
        middle = len(records) // 2
        return (*await self.append(records[:middle], epoch), *await self.append(records[middle:], epoch))

    async def _store(self, records: Sequence[AuditRecord], epoch: int | None) -> Exception | None:
        """Store a batch whole, or nothing of it and return why PostgreSQL refused it."""
        async with self._pool.connection("append") as connection:
            try:
                async with in_transaction(connection):
                    fresh = await self._fresh(connection, records, epoch)
                    if fresh:
                        await self._insert(connection, fresh)
                        await self._move_cursor(connection, fresh)
            except _REFUSED as refusal:
                return refusal
        return None

    async def _fresh(self, connection: Any, records: Sequence[AuditRecord], epoch: int | None) -> Sequence[AuditRecord]:
        """The records that are not stored yet. From here on no other relay stores any until the transaction ends.

        Raises:
            ReadTooEarly: Redis may be another one since they were read.
            HistoryDiverged: the batch and the history cannot both be true.
            HistoryGap: records are missing before or among those of the batch.
        """
        cursor = await connection.fetchrow(self._queries["lock_cursor"])
        if epoch not in (None, cursor["epoch"]):
            raise ReadTooEarly("Redis was compared with its history since these records were read")
        # Nothing beyond the cursor is stored, because both move in one transaction.
        passed = [record.counter for record in records if record.counter <= cursor["counter"]]
        rows = await connection.fetch(self._queries["find_known"], passed) if passed else ()
        known = {row["counter"]: row["stream_id"] for row in rows}
        check_order(records, counter=cursor["counter"], stream_id=cursor["stream_id"], known=known)
        return [record for record in records if record.counter not in known] if known else records

    async def _insert(self, connection: Any, records: Sequence[AuditRecord]) -> None:
        by_kind = _by_kind(records)
        pauses = [record for kind in SWITCH_KINDS for record in by_kind.pop(kind, ())]
        if pauses:
            fields = ("counter", "stream_id", "kind", "account_id", "recorded_at", "details_json")
            await connection.execute(self._queries["append_pauses"], *_columns(pauses, *fields))
        if by_kind:
            rows = [record for record in records if record.kind in by_kind] if pauses else records
            await connection.copy_records_to_table("event_history", columns=_HISTORY, records=rows)
            await self._follow_history(connection, by_kind, _ends(rows))

    async def _follow_history(self, connection: Any, by_kind: _ByKind, ends: tuple[int, int]) -> None:
        """Bring the other tables up to what history tells from one counter to another."""
        await connection.execute(self._queries["move_events"], *ends, *MOVES)
        for kind, query in _ORDER_TABLES.items():
            if kind in by_kind:
                fields = ("counter", "event_id", "account_id", "recorded_at", "details_json")
                await connection.execute(self._queries[query], *_columns(by_kind[kind], *fields))
        await self._follow_fills(connection, by_kind)
        if _MAY_CLEAR & by_kind.keys():
            await connection.execute(self._queries["end_left_orders"], *ends)

    async def _follow_fills(self, connection: Any, by_kind: _ByKind) -> None:
        """Let executions stand as they were told last, and orders agree with them."""
        fills, results = by_kind.get(AuditKind.FILL, []), by_kind.get(AuditKind.ORDER_RESULT, [])
        if fills:
            await connection.execute(self._queries["upsert_fills"], *_columns(fills, "event_id"))
        if fills or results:
            await connection.execute(self._queries["settle_orders"], *_columns([*fills, *results], "event_id"))

    async def _move_cursor(self, connection: Any, records: Sequence[AuditRecord]) -> None:
        last = max(records, key=_counter_of)
        await connection.execute(self._queries["move_cursor"], last.counter, last.stream_id)

    async def _quarantine(self, record: AuditRecord, epoch: int | None, refusal: Exception) -> SetApart:
        reason = f"{type(refusal).__name__}: {refusal}"
        async with self._pool.connection("quarantine") as connection, in_transaction(connection):
            await self._fresh(connection, [record], epoch)
            await connection.execute(
                self._queries["quarantine"],
                record.counter,
                record.stream_id,
                record.kind,
                record.event_id,
                _as_bytes(record.event_json),
                _as_bytes(record.details_json),
                reason,
            )
            await self._move_cursor(connection, [record])
        return SetApart(record.counter, record.event_id, reason)


def _as_bytes(text: str) -> bytes:
    """The bytes that Redis held, invalid UTF-8 included (`RedisOutbox` reads it as lone surrogates)."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")


def _by_kind(records: Sequence[AuditRecord]) -> _ByKind:
    by_kind: _ByKind = {}
    for record in records:
        by_kind.setdefault(record.kind, []).append(record)
    return by_kind


def _ends(records: Sequence[AuditRecord]) -> tuple[int, int]:
    return min(map(_counter_of, records)), max(map(_counter_of, records))


def _columns(records: Sequence[AuditRecord], *fields: str) -> list[list[Any]]:
    return [[getattr(record, field) for record in records] for field in fields]
