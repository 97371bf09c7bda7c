"""What PostgreSQL knows of the queue's past, for putting a queue right that lost some of it."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from event_queue.audit import MOVES, AuditKind, EventStatus
from event_queue.codec import decode_event, encode_details, to_ms
from event_queue.events import RebalanceEvent
from event_queue.mend_plan import Divergence, KnownEvent
from event_queue.mend_words import Asked, Remembered, Switched, Traded
from event_queue.one_past import HistoryPosition
from event_queue.past_keepsakes import keepsake_of
from event_queue.postgres_pool import AuditPool
from event_queue.progress import Progress
from event_queue.receipts import LONGEST_LIFE, Keepsake
from event_queue.sql_files import QueryName

_PAGE: Final = 1000


class PostgresPast:
    """Reads only, but for `fence` and `skip_to`."""

    def __init__(self, pool: AuditPool, queries: Mapping[QueryName, str]) -> None:
        """Take an open pool, which stays the caller's to close, and the loaded statements."""
        self._pool = pool
        self._queries = queries

    async def fence(self, run_id: str) -> str:
        """Let nobody store any more what was read from Redis until now, so that the position moves by what it holds.

        Returns:
            The run of Redis that was ever met first: `run_id`, the present one, where none was before.

        Raises:
            AuditUnavailable: PostgreSQL did not answer.
        """
        async with self._pool.connection("fence_readers") as connection:
            return await connection.fetchval(self._queries["fence_readers"], run_id)

    async def position(self) -> HistoryPosition:
        """The last stored record.

        Raises:
            AuditUnavailable: PostgreSQL did not answer.
        """
        async with self._pool.connection("read_position") as connection:
            row = await connection.fetchrow(self._queries["read_position"])
        return HistoryPosition(row["counter"], row["stream_id"])

    async def unfinished(self) -> Sequence[KnownEvent]:
        """Every event that has not ended."""
        async with self._pool.connection("list_unfinished") as connection:
            return [_known(row) for row in await connection.fetch(self._queries["list_unfinished"])]

    async def events(self, event_ids: Sequence[UUID]) -> Sequence[KnownEvent]:
        """Those of the events that are known, ended or not."""
        found: list[KnownEvent] = []
        for start in range(0, len(event_ids), _PAGE):
            async with self._pool.connection("find_events") as connection:
                page = event_ids[start : start + _PAGE]
                found += map(_known, await connection.fetch(self._queries["find_events"], page))
        return found

    async def unseen(self, event_ids: Sequence[UUID], divergence: Divergence) -> Sequence[KnownEvent]:
        """Those that moved while Redis did not see it, as they stood at the end of that, unless put right since."""
        limits = divergence.agreed, divergence.ahead
        found: list[KnownEvent] = []
        for start in range(0, len(event_ids), _PAGE):
            async with self._pool.connection("list_unseen") as connection:
                page = event_ids[start : start + _PAGE]
                found += map(_known, await connection.fetch(self._queries["list_unseen"], page, *limits, *MOVES))
        return found

    async def stored(self, records: Sequence[tuple[int, str]]) -> frozenset[str]:
        """Stream ids of those records, given by counter and stream id, that are stored as they are."""
        async with self._pool.connection("find_stored") as connection:
            rows = await connection.fetch(self._queries["find_stored"], *map(list, zip(*records, strict=True)))
        return frozenset(row["stream_id"] for row in rows)

    async def moved(self, stream_ids: Sequence[str], *, behind: int) -> frozenset[str]:
        """Those stream ids that stand behind a counter, under whatever number."""
        async with self._pool.connection("find_moved") as connection:
            rows = await connection.fetch(self._queries["find_moved"], behind, list(stream_ids))
        return frozenset(row["stream_id"] for row in rows)

    async def switched(self, *, after: int) -> Sequence[Switched]:
        """How each scope of trading was switched last, when that was after a counter."""
        async with self._pool.connection("list_switched") as connection:
            rows = await connection.fetch(self._queries["list_switched"], after)
        return tuple(
            Switched(row["scope"], _pause_text(row) if row["kind"] == AuditKind.PAUSED else None) for row in rows
        )

    async def last_trades(self) -> Sequence[Traded]:
        """The latest trading day of each account, by its fills."""
        async with self._pool.connection("list_last_fills") as connection:
            rows = await connection.fetch(self._queries["list_last_fills"])
        return tuple(Traded(row["account_id"], f"{row['trading_day']} {row['event_id']}") for row in rows)

    async def expected_trades(self, *, since: datetime) -> Sequence[Traded]:
        """The latest day of each account for which it has orders that will fill."""
        async with self._pool.connection("list_expected") as connection:
            rows = await connection.fetch(self._queries["list_expected"], since)
        return tuple(
            Traded(row["account_id"], f"{row['trading_day']} {row['event_id']}", is_expected=True) for row in rows
        )

    async def asked(self, *, after: int) -> Sequence[Asked]:
        """When events that have not ended were asked for again last, when that was after a counter."""
        async with self._pool.connection("list_asked") as connection:
            rows = await connection.fetch(self._queries["list_asked"], after)
        return tuple(
            Asked(f"{row['account_id']}:{row['exec_command']}", f"{row['event_id']} {to_ms(row['asked_at'])}")
            for row in rows
        )

    async def keepsakes(self, now: datetime) -> AsyncGenerator[Sequence[Keepsake]]:
        """What Redis would still keep for a while, page by page, had it lost nothing."""
        since = now - LONGEST_LIFE
        async with self._pool.connection("first_since") as connection:
            first = await connection.fetchval(self._queries["first_since"], since)
        after = None if first is None else first - 1
        while after is not None:
            async with self._pool.connection("list_keepsakes") as connection:
                rows = await connection.fetch(self._queries["list_keepsakes"], since, after, _PAGE)
            kept = (keepsake_of(row) for row in rows)
            yield [each for each in kept if each is not None and each.until > now]
            after = rows[-1]["counter"] if len(rows) == _PAGE else None

    async def progress(self) -> Mapping[str, Progress]:
        """How far each channel was taken in, by the last message of each."""
        async with self._pool.connection("list_progress") as connection:
            rows = await connection.fetch(self._queries["list_progress"])
        return {row["channel"]: Progress(row["recorded_at"], row["message_id"], row["sent_at"]) for row in rows}

    async def remembered(self, *, after: int) -> Sequence[Remembered]:
        """Newer signals remembered for events that have not ended."""
        async with self._pool.connection("list_remembered") as connection:
            rows = await connection.fetch(self._queries["list_remembered"], after)
        return tuple(Remembered(decode_event(row["event"])) for row in rows)

    async def skip_to(self, position: HistoryPosition) -> None:
        """Accept that records up to there are lost to history."""
        async with self._pool.connection("move_cursor") as connection:
            await connection.execute(self._queries["move_cursor"], position.counter, position.stream_id)


def _known(row: Any) -> KnownEvent:
    event = RebalanceEvent(
        event_id=row["event_id"],
        account_id=row["account_id"],
        exec_command=row["exec_command"],
        times_queued=row["times_queued"],
        created_at=row["created_at"],
        source=row["source"],
        data=json.loads(row["payload"]),
    )
    return KnownEvent(
        event=event,
        status=EventStatus(row["status"]),
        next_attempt_at=row["next_attempt_at"],
        last_counter=row["last_counter"],
        moved_at=row["moved_at"],
    )


def _pause_text(row: Any) -> str:
    words = {name: row[name] for name in ("scope", "actor", "reason")}
    return encode_details({**words, "since": to_ms(row["since"])})
