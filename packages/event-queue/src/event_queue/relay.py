"""Carries audit records from the outbox to PostgreSQL, for as long as the service lives."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from event_queue.audit import AuditRecord
from event_queue.errors import AuditUnavailable, QueueUnavailable
from event_queue.ports import AuditStore, Outbox

BATCH: Final = 500
BLOCK: Final = timedelta(seconds=5)
PAUSE: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class RelayState:
    """How the relay is doing, for health."""

    stored: int = 0
    """Records stored since it started."""
    lag_records: int | None = None
    """Records waiting in the outbox when it last looked; None before it could look."""
    lag_seconds: float | None = None
    """Age of the oldest record of the latest batch; 0 when nothing waited."""
    last_error: str | None = None
    """What stopped the latest attempt; None when it went well."""
    failing_since: datetime | None = None
    """Start of the present run of failures."""


class OutboxRelay:
    """The only way from the outbox to PostgreSQL.

    Records are trimmed only after PostgreSQL has committed them together with the cursor, so a crash anywhere loses
    nothing; what is read again is recognised by its counter.
    """

    def __init__(
        self,
        outbox: Outbox,
        store: AuditStore,
        *,
        now: Callable[[], datetime],
        pause: Callable[[timedelta], Awaitable[None]],
        batch: int = BATCH,
    ) -> None:
        """Take both ends and the clock.

        Args:
            outbox: where records come from.
            store: where they go.
            now: the present moment, aware.
            pause: waits that long; used only after a failure.
            batch: most records stored in one transaction.
        """
        self._outbox = outbox
        self._store = store
        self._now = now
        self._pause = pause
        self._batch = batch
        self._state = RelayState()

    @property
    def state(self) -> RelayState:
        """How it is doing."""
        return self._state

    async def run(self) -> None:
        """Carry records until cancelled, pausing for a fixed time after each failure.

        Raises:
            HistoryDiverged: Redis went back in time; nothing more is stored until an operator has resynced.
            CorruptQueue: the outbox holds what the queue never wrote.
        """
        while True:
            try:
                await self.carry(block=BLOCK)
            except (AuditUnavailable, QueueUnavailable) as error:
                await self._failed(str(error))
                await self._pause(PAUSE)

    async def carry(self, *, block: timedelta) -> int:
        """Carry one batch, waiting up to `block` for the first record; the number of records carried.

        Raises:
            AuditUnavailable: PostgreSQL did not answer; the records stay in the outbox.
            QueueUnavailable: Redis did not answer.
        """
        cursor = await self._store.cursor()
        records = await self._outbox.read(cursor, limit=self._batch, block=block)
        if not records:
            records = await self._left_behind()
        if records:
            await self._store.append(records)
            await self._outbox.trim(records[-1].stream_id)
        await self._carried(records)
        return len(records)

    async def drain(self, *, within: timedelta) -> bool:
        """Carry until the outbox is empty; False when that took longer than `within`. Raises as `carry`."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                while await self.carry(block=timedelta(milliseconds=1)):
                    pass
        except TimeoutError:
            return False
        return True

    async def _left_behind(self) -> Sequence[AuditRecord]:
        """Records at or before the cursor that a crash left untrimmed; stored again, so that none is dropped unseen."""
        if not await self._outbox.length():
            return ()
        return await self._oldest(self._batch)

    async def _oldest(self, limit: int) -> Sequence[AuditRecord]:
        return await self._outbox.read("0-0", limit=limit, block=timedelta(milliseconds=1))

    async def _carried(self, records: Sequence[AuditRecord]) -> None:
        self._state = RelayState(
            stored=self._state.stored + len(records),
            lag_records=await self._outbox.length(),
            lag_seconds=self._age(records),
        )

    async def _failed(self, error: str) -> None:
        since = self._state.failing_since or self._now()
        self._state = replace(self._state, last_error=error, failing_since=since)
        with suppress(QueueUnavailable):
            waiting = await self._outbox.length()
            self._state = replace(self._state, lag_records=waiting, lag_seconds=self._age(await self._oldest(1)))

    def _age(self, records: Sequence[AuditRecord]) -> float:
        return max(0.0, (self._now() - records[0].recorded_at).total_seconds()) if records else 0.0
