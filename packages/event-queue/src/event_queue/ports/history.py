"""The way from the queue to its history, and back out of that."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from event_queue.audit import AuditRecord, Cursor, EventFilter, EventRecord, PagePosition, PauseRecord, SetApart
from event_queue.outbox_size import OutboxSize
from event_queue.spill_marker import SpillMarker


class Outbox(Protocol):
    """The stream of audit records between Redis and PostgreSQL."""

    async def read(self, after: str, *, limit: int, block: timedelta) -> Sequence[AuditRecord]:
        """Records after a stream id, oldest first; waits up to `block` for the first one."""
        ...

    async def trim(self, through: str) -> None:
        """Drop the records up to and including a stream id, which PostgreSQL has committed."""
        ...

    async def length(self) -> int:
        """Records waiting."""
        ...

    async def size(self) -> OutboxSize:
        """How much of Redis's memory the waiting records take, at a cost that does not depend on their number."""
        ...

    async def take_out(self, through: str, marker: SpillMarker) -> bool:
        """Drop the records up to and including a stream id, which are safely in a file, and remember which file.

        False, and nothing is changed, where another record stands by now.
        """
        ...

    async def spills(self) -> Sequence[SpillMarker]:
        """Every file that records were taken out to and not yet stored from, oldest records first."""
        ...

    async def forget_spill(self, marker: SpillMarker) -> None:
        """Forget a file whose records are all stored, unless it has changed since the marker was read."""
        ...


class AuditStore(Protocol):
    """PostgreSQL's side of the audit."""

    async def append(self, records: Sequence[AuditRecord], *, epoch: int | None = None) -> Sequence[SetApart]:
        """Store records and the cursor in one transaction; records stored before are recognised by their counter.

        Args:
            records: a batch, in order.
            epoch: of the cursor that was asked for before they were read from Redis; None for what lies in a file.

        Returns:
            The records that PostgreSQL refused, which are in quarantine now; all others are stored.

        Raises:
            AuditUnavailable: PostgreSQL did not answer; try again with the same records.
            ReadTooEarly: another epoch has begun; nothing of the batch was stored.
            HistoryDiverged: a counter is known under another stream id; nothing of its batch was stored.
            HistoryGap: records before or among these are missing; nothing was stored.
        """
        ...

    async def cursor(self) -> Cursor:
        """Where to go on reading, asked before each reading."""
        ...

    async def get_event(self, event_id: UUID) -> EventRecord | None:
        """An event's row with its history."""
        ...

    async def list_events(
        self, matching: EventFilter, *, limit: int, after: PagePosition | None = None
    ) -> Sequence[EventRecord]:
        """A page of events, youngest first, without their histories; `after` continues behind another page."""
        ...

    async def list_pauses(self, *, limit: int) -> Sequence[PauseRecord]:
        """The latest pauses and resumptions of trading, youngest first."""
        ...

    async def ping(self) -> None:
        """Raise AuditUnavailable unless PostgreSQL answers."""
        ...

    async def purge(self, *, now: datetime, retention: timedelta) -> int:
        """Delete what is over and was last told of longer ago than the retention; the number of events removed.

        It counts from `now` or from the last stored record, whichever is earlier. What a lost Redis would need stays,
        however old: see `purge_until.sql`.

        Raises:
            AuditUnavailable: PostgreSQL did not answer; some may be deleted.
        """
        ...
