"""Carries audit records from the outbox to PostgreSQL, for as long as the service lives."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from event_queue.audit import AuditRecord, Cursor, SetApart
from event_queue.batch_size import BatchSize
from event_queue.errors import (
    AuditUnavailable,
    HistoryDiverged,
    HistoryGap,
    QueueUnavailable,
    ReadTooEarly,
    SpillDamaged,
    SpillUnavailable,
)
from event_queue.ports.history import AuditStore, Outbox
from event_queue.relay_book import RelayBook
from event_queue.relay_state import RelayState
from event_queue.spill import Spill
from event_queue.spilled_elsewhere import SpilledElsewhere

BATCH: Final = 2000
BLOCK: Final = timedelta(seconds=5)
PAUSE: Final = timedelta(seconds=5)
_AT_ONCE: Final = timedelta(milliseconds=1)
_GATHER_SECONDS: Final = 0.1
"""After a batch that was not full: what comes meanwhile goes together, at the cost of one transaction."""
_MANY: Final = 200
_GATHER_MANY_SECONDS: Final = 0.25
"""After a batch of many, whose workers a drain beside them would hold up."""
SLOW_SECONDS: Final = 5.0
"""PostgreSQL counts as away when it takes longer, and goes on being waited for."""
_PASSING: Final = (AuditUnavailable, QueueUnavailable, SpillUnavailable, SpillDamaged, HistoryGap)
"""Failures that may end by themselves, or by what an operator does, while records go on waiting."""

AnswerT = TypeVar("AnswerT")
StoredSoon = Coroutine[Any, Any, Sequence[SetApart]]


def _tell_nobody(_: SetApart) -> None:
    """Nobody asked."""


class OutboxRelay:
    """The only way from the outbox to PostgreSQL; what was spilled goes before what waits in Redis.

    Records are trimmed only after PostgreSQL has committed them together with the cursor, so a crash anywhere loses
    nothing; what is read again is recognised by its counter. What was read before Redis was compared with history is
    refused, and read again: it may be of another Redis.
    """

    def __init__(  # noqa: PLR0913 - both ends, the clock, and who hears what
        self,
        outbox: Outbox,
        store: AuditStore,
        *,
        now: Callable[[], datetime],
        pause: Callable[[timedelta], Awaitable[None]],
        batch: int = BATCH,
        spill: Spill | None = None,
        told_set_apart: Callable[[SetApart], None] = _tell_nobody,
        store_another_past: Callable[[Sequence[AuditRecord]], StoredSoon] | None = None,
    ) -> None:
        """Take both ends and the clock.

        Args:
            outbox: where records come from.
            store: where they go.
            now: the present moment, aware.
            pause: waits that long; used only after a failure.
            batch: most records stored in one transaction; fewer while that is too much for PostgreSQL.
            spill: the records of the outbox that were moved to disk, None when none ever are.
            told_set_apart: hears of each record that went to quarantine.
            store_another_past: takes spilled records that contradict history; None: nothing more is stored then.
        """
        self._outbox = outbox
        self._elsewhere = SpilledElsewhere(outbox)
        self._store = store
        self._pause = pause
        self._size = BatchSize(batch)
        self._is_full = False
        """Whether the records at hand were as many as were asked for, so that more may wait behind them."""
        self._spill = spill
        self._told_set_apart = told_set_apart
        self._store_another_past = store_another_past
        self.set_apart = 0
        """How many records went to quarantine since it started."""
        self._cursor = Cursor()
        """As it was before the records at hand were read."""
        self._read_ahead: Sequence[AuditRecord] = ()
        self._book = RelayBook(outbox, spill, now=now)

    @property
    def state(self) -> RelayState:
        """How it is doing."""
        return self._book.state

    @property
    def spilled_records(self) -> int:
        """How many of the waiting records lie in the spill at this moment."""
        return self._book.spilled_records

    async def run(self) -> None:
        """Carry records until cancelled, pausing for a fixed time after each failure.

        Raises:
            HistoryDiverged: Redis went back in time; nothing more is stored until an operator has resynced.
            CorruptQueue: the outbox holds what the queue never wrote.
        """
        # Whoever ended the run before may have done so because Redis is another one now, with other records.
        self._read_ahead = ()
        while True:
            try:
                carried = await self.carry(block=BLOCK)
                if carried and not self._is_full and not self._read_ahead:
                    await _rest(_GATHER_SECONDS if carried < _MANY else _GATHER_MANY_SECONDS)
            except _PASSING as error:
                await self._book.failed(error)
                await self._pause(PAUSE)

    async def carry(self, *, block: timedelta) -> int:
        """Carry one batch, waiting up to `block` for the first record; the number of records carried.

        Raises:
            AuditUnavailable: PostgreSQL did not answer; the records stay where they are.
            QueueUnavailable: Redis did not answer.
            SpillUnavailable: the disk of the spill cannot be used.
            SpillDamaged: spilled records cannot be read any more.
            HistoryGap: the records before those at hand lie in a spill elsewhere.
        """
        while True:
            try:
                records = await self._carry_spilled() or await self._carry_waiting(block)
            except ReadTooEarly:
                continue
            await self._book.carried(records)
            return len(records)

    async def carry_files(self) -> None:
        """Carry what was spilled, and nothing else. Raises as `carry`."""
        while records := await self._carry_spilled():
            await self._book.carried(records)

    async def drain(self, *, within: timedelta) -> bool:
        """Carry until the outbox is empty; False when that took longer than `within`. Raises as `carry`."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                while await self.carry(block=timedelta(milliseconds=1)):
                    pass
        except TimeoutError:
            return False
        return True

    async def _carry_spilled(self) -> Sequence[AuditRecord]:
        """Store the oldest spilled records. They go again after a crash, and are recognised by their counters."""
        spill = self._spill
        if spill is None:
            return ()
        if spill.exists and not spill.is_open:
            # Held by another process here? Then that one carries it, and a gap in the stream tells us to wait.
            with suppress(SpillUnavailable):
                await asyncio.to_thread(spill.open)
        records = await asyncio.to_thread(spill.read, self._size.limit) if spill.records else ()
        if records:
            await self._store_spilled(records)
            await asyncio.to_thread(spill.release)
            self._is_full = True
        return records

    async def _store_spilled(self, records: Sequence[AuditRecord]) -> None:
        try:
            await self._store_explained(records, epoch=None)
        except HistoryDiverged:
            if self._store_another_past is None:
                raise
            await self._store_by(self._store_another_past(records), records)

    async def _carry_waiting(self, block: timedelta) -> Sequence[AuditRecord]:
        """Store the oldest records of the stream."""
        records = self._read_ahead or await self._read_waiting(block)
        self._read_ahead = ()
        if not records or self.spilled_records:
            # What was spilled while we read comes before what we have read.
            return ()
        if self._is_full:
            await self._store_while_reading(records)
        else:
            await self._store_explained(records, epoch=self._cursor.epoch)
        await self._outbox.trim(records[-1].stream_id)
        return records

    async def _read_waiting(self, block: timedelta) -> Sequence[AuditRecord]:
        self._cursor = await self._patiently(self._store.cursor())
        behind = self._cursor.stream_id
        records = await self._read(behind, block)
        if not records:
            records = await self._left_behind()
        if not records:
            gap = await self._elsewhere.gap_behind(behind)
            if gap is not None and not self.spilled_records:
                raise gap
        elif behind == Cursor().stream_id:
            await self._elsewhere.require_none_before(records[0])
        return records

    async def _store_while_reading(self, records: Sequence[AuditRecord]) -> None:
        """Store a full batch, and have the one behind it ready when that is done."""
        reading = asyncio.ensure_future(self._read(records[-1].stream_id))
        try:
            await self._store_explained(records, epoch=self._cursor.epoch)
        except BaseException:
            reading.cancel()
            await asyncio.wait({reading})
            raise
        with suppress(QueueUnavailable):
            self._read_ahead = await reading

    async def _store_explained(self, records: Sequence[AuditRecord], *, epoch: int | None) -> None:
        try:
            await self._store_by(self._store.append(records, epoch=epoch), records)
        except HistoryGap as gap:
            raise await self._elsewhere.explain(gap) from gap

    async def _store_by(self, storing: StoredSoon, records: Sequence[AuditRecord]) -> None:
        time = asyncio.get_running_loop().time
        begun = time()
        try:
            set_apart = await self._patiently(storing)
        except AuditUnavailable:
            self._size.not_stored()
            raise
        self._size.stored(records, seconds=time() - begun)
        self.set_apart += len(set_apart)
        for each in set_apart:
            self._told_set_apart(each)

    async def _patiently(self, question: Coroutine[Any, Any, AnswerT]) -> AnswerT:
        """What PostgreSQL answers; while that takes long, it is told that it does, and how much waits."""
        asking = asyncio.ensure_future(question)
        try:
            while not (await asyncio.wait({asking}, timeout=SLOW_SECONDS))[0]:
                await self._book.failed(AuditUnavailable("PostgreSQL has not answered yet"))
        except BaseException:
            asking.cancel()
            await asyncio.wait({asking})
            raise
        return asking.result()

    async def _left_behind(self) -> Sequence[AuditRecord]:
        """Records at or before the cursor that a crash left untrimmed; stored again, so that none is dropped unseen."""
        if not await self._outbox.length():
            return ()
        return await self._read("0-0")

    async def _read(self, after: str, block: timedelta = _AT_ONCE) -> Sequence[AuditRecord]:
        limit = self._size.limit
        records = await self._outbox.read(after, limit=limit, block=block)
        self._is_full = len(records) >= limit
        return records


async def _rest(seconds: float) -> None:
    """Let some time of the event loop pass, whatever the pauses after failures are measured by."""
    rested: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    timer = asyncio.get_running_loop().call_later(seconds, rested.set_result, None)
    try:
        await rested
    finally:
        timer.cancel()
