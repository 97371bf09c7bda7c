"""The relay over fakes: its state for health, and its patience."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from event_queue import relay as relay_module
from event_queue.audit import AuditRecord, Cursor, SetApart
from event_queue.errors import AuditUnavailable, HistoryGap, QueueUnavailable
from event_queue.one_past import HistoryPosition
from event_queue.redis_outbox import RedisOutbox
from event_queue.redis_queue import RedisQueue
from event_queue.relay import PAUSE, OutboxRelay
from event_queue.script_files import load_scripts
from event_queue.script_runner import ScriptRunner
from event_queue.spill import Spill
from event_queue.spill_marker import SpillMarker
from event_queue.testing.events import make_event
from event_queue.testing.fake_redis import fake_queue
from event_queue.testing.memory_audit import MemoryAudit

FAR_FUTURE = datetime(2100, 1, 1, tzinfo=UTC)
AT_ONCE = timedelta(milliseconds=1)


class Pauses:
    """Counts the pauses, and has something happen at one of them."""

    def __init__(self, audit: MemoryAudit, *, back_after: int) -> None:
        self.taken: list[timedelta] = []
        self._audit = audit
        self._back_after = back_after

    async def __call__(self, pause: timedelta) -> None:
        self.taken.append(pause)
        self._audit.available = len(self.taken) >= self._back_after


def relay_of(queue: RedisQueue, audit: MemoryAudit, pauses: Pauses) -> OutboxRelay:
    return OutboxRelay(queue.outbox, audit, now=lambda: FAR_FUTURE, pause=pauses)


async def test_a_fresh_relay_has_not_looked_yet() -> None:
    """Before its first batch nothing is claimed about the lag."""
    async with fake_queue() as queue:
        relay = relay_of(queue, MemoryAudit(), Pauses(MemoryAudit(), back_after=1))

    assert (relay.state.lag_records, relay.state.lag_seconds, relay.state.last_error) == (None, None, None)


async def test_carrying_tells_how_far_behind_it_was() -> None:
    """The state shows what is left and how old the batch was."""
    async with fake_queue() as queue:
        audit = MemoryAudit()
        relay = OutboxRelay(queue.outbox, audit, now=lambda: FAR_FUTURE, pause=Pauses(audit, back_after=1), batch=2)
        for number in range(3):
            await queue.intake.enqueue(make_event(f"DU{number}"))

        carried = await relay.carry(block=AT_ONCE)

    assert carried == 2
    assert (relay.state.stored, relay.state.lag_records) == (2, 1)
    assert relay.state.lag_seconds is not None
    assert relay.state.lag_seconds > 0


async def test_an_outage_is_waited_out_with_fixed_pauses() -> None:
    """Each failed attempt pauses for the same time; then everything is carried and the error is forgotten."""
    async with fake_queue() as queue:
        audit = MemoryAudit()
        audit.available = False
        pauses = Pauses(audit, back_after=3)
        relay = relay_of(queue, audit, pauses)
        await queue.intake.enqueue(make_event())

        task = asyncio.create_task(relay.run())
        async with asyncio.timeout(5):
            while not relay.state.stored:
                await asyncio.wait({task}, timeout=0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert pauses.taken == [PAUSE] * 3
    assert relay.state.last_error is None


async def test_during_an_outage_the_state_says_so() -> None:
    """Health can tell the error, since when, and how much waits."""

    class Stop(Exception):
        """Ends the relay at its first pause."""

    async def stop(_: timedelta) -> None:
        raise Stop

    async with fake_queue() as queue:
        audit = MemoryAudit()
        audit.available = False
        await queue.intake.enqueue(make_event())
        relay = OutboxRelay(queue.outbox, audit, now=lambda: FAR_FUTURE, pause=stop)

        with pytest.raises(Stop):
            await relay.run()

    state = relay.state
    assert (state.failing_since, state.lag_records) == (FAR_FUTURE, 1)
    assert state.last_error
    assert state.lag_seconds


async def test_a_batch_that_is_too_much_is_made_smaller() -> None:
    """A slow disk took none of it, however often it was tried: each try was as large as the one before."""

    class Slow(MemoryAudit):
        async def append(self, records: Sequence[AuditRecord], *, epoch: int | None = None) -> Sequence[SetApart]:
            if len(records) > 3:
                raise AuditUnavailable("append: not done within 20 s")
            return await super().append(records, epoch=epoch)

    async with fake_queue() as queue:
        audit = Slow()
        for number in range(20):
            await queue.intake.enqueue(make_event(f"DU{number}"))
        pauses = Pauses(audit, back_after=1)
        relay = OutboxRelay(queue.outbox, audit, now=lambda: FAR_FUTURE, pause=pauses, batch=16)

        task = asyncio.create_task(relay.run())
        async with asyncio.timeout(10):
            while relay.state.lag_records != 0:
                await asyncio.wait({task}, timeout=0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert sorted(audit.records) == list(range(1, 21))


@pytest.mark.parametrize("question", ["append", "cursor"])
async def test_a_postgres_that_hangs_is_told_while_it_does(monkeypatch: pytest.MonkeyPatch, question: str) -> None:
    """What waits is counted without its answer; when that comes after all, nothing is wrong any more."""
    monkeypatch.setattr(relay_module, "SLOW_SECONDS", 0.01)
    told, thawed = asyncio.Event(), asyncio.Event()

    class Hanging(MemoryAudit):
        async def append(self, records: Sequence[AuditRecord], *, epoch: int | None = None) -> Sequence[SetApart]:
            await self._hang("append")
            return await super().append(records, epoch=epoch)

        async def cursor(self) -> Cursor:
            await self._hang("cursor")
            return await super().cursor()

        async def _hang(self, asked: str) -> None:
            if asked == question:
                await thawed.wait()

    def tell() -> datetime:
        told.set()
        return FAR_FUTURE

    async with fake_queue() as queue:
        await queue.intake.enqueue(make_event())
        relay = OutboxRelay(queue.outbox, Hanging(), now=tell, pause=Pauses(MemoryAudit(), back_after=1))
        carrying = asyncio.create_task(relay.carry(block=AT_ONCE))
        await told.wait()
        while relay.state.lag_seconds is None:
            await queue.outbox.length()
        during = relay.state
        thawed.set()
        await carrying

    assert (during.postgres_is_away, during.failing_since, during.lag_records) == (True, FAR_FUTURE, 1)
    assert during.last_error
    assert (relay.state.last_error, relay.state.stored, relay.state.lag_records) == (None, 1, 0)


async def test_a_drain_that_cannot_end_in_time_says_so() -> None:
    """A drain is bounded."""
    async with fake_queue() as queue:

        class NeverEmpty(MemoryAudit):
            async def cursor(self) -> Cursor:
                await asyncio.get_running_loop().create_future()
                return Cursor()

        relay = relay_of(queue, NeverEmpty(), Pauses(MemoryAudit(), back_after=1))

        assert not await relay.drain(within=timedelta(milliseconds=10))


async def test_a_gap_is_told_with_the_place_of_what_is_missing() -> None:
    """A relay that finds records of later than the next says which, and where Redis says they are."""
    async with fake_queue() as queue:
        audit = MemoryAudit()
        for number in range(6):
            await queue.intake.enqueue(make_event(f"DU{number}"))
        records = await queue.outbox.read("0-0", limit=10, block=AT_ONCE)
        await audit.append(records[:2])
        marker = SpillMarker("a1", 3, 4, records[3].stream_id, host="other", directory="/there")
        await queue.outbox.take_out(records[3].stream_id, marker)
        relay = relay_of(queue, audit, Pauses(audit, back_after=1))

        with pytest.raises(HistoryGap, match=r"records 3 to 4 are missing; .* /there on host other") as gap:
            await relay.carry(block=AT_ONCE)

    assert (gap.value.first, gap.value.last) == (3, 4)
    assert sorted(audit.records) == [1, 2]


async def test_an_empty_history_does_not_begin_behind_a_spill() -> None:
    """A new database is not filled while older records are known to be in a file elsewhere."""
    async with fake_queue() as queue:
        for number in range(3):
            await queue.intake.enqueue(make_event(f"DU{number}"))
        first, *_ = await queue.outbox.read("0-0", limit=10, block=AT_ONCE)
        await queue.outbox.take_out(
            first.stream_id, SpillMarker("a1", 1, 1, first.stream_id, host="other", directory="/there")
        )
        relay = relay_of(queue, MemoryAudit(), Pauses(MemoryAudit(), back_after=1))

        with pytest.raises(HistoryGap, match="1 to 1"):
            await relay.carry(block=AT_ONCE)


async def test_spilled_records_go_first_and_the_marker_goes_with_them(tmp_path: Path) -> None:
    """What lies on disk is stored before what waits in Redis, then Redis forgets the file."""
    async with fake_queue() as queue:
        audit, spill = MemoryAudit(), Spill(tmp_path / "spill", host="here")
        for number in range(9):
            await queue.intake.enqueue(make_event(f"DU{number}"))
        oldest = await queue.outbox.read("0-0", limit=5, block=AT_ONCE)
        await queue.outbox.take_out(oldest[-1].stream_id, spill.append(oldest))
        relay = OutboxRelay(
            queue.outbox, audit, now=lambda: FAR_FUTURE, pause=Pauses(audit, back_after=1), batch=3, spill=spill
        )

        first = await relay.carry(block=AT_ONCE)
        between, left, marked = relay.state, relay.spilled_records, await queue.outbox.spills()
        await relay.drain(within=timedelta(seconds=10))

        assert (first, left, between.lag_records) == (3, 2, 6)
        assert [(marker.first, marker.last) for marker in marked] == [(1, 5)]
        assert sorted(audit.records) == list(range(1, 10))
        assert await queue.outbox.spills() == []
        assert (spill.records, await queue.outbox.length()) == (0, 0)
    spill.close()


@pytest.mark.parametrize("spilled", [5, 9])
async def test_a_record_in_both_places_waits_once(tmp_path: Path, spilled: int) -> None:
    """Redis may hold what was spilled, as after it went back; told alike whether records can be carried or not."""

    class Stop(Exception):
        """Ends the relay at its first pause."""

    async def stop(_: timedelta) -> None:
        raise Stop

    async with fake_queue() as queue:
        audit, spill = MemoryAudit(), Spill(tmp_path / "spill", host="here")
        for number in range(9):
            await queue.intake.enqueue(make_event(f"DU{number}"))
        spill.append(await queue.outbox.read("0-0", limit=spilled, block=AT_ONCE))
        relay = OutboxRelay(queue.outbox, audit, now=lambda: FAR_FUTURE, pause=stop, batch=3, spill=spill)

        await relay.carry(block=AT_ONCE)
        carried = relay.state.lag_records
        audit.available = False
        with pytest.raises(Stop):
            await relay.run()

    assert (carried, relay.state.lag_records) == (6, 6)
    spill.close()


async def test_a_spill_in_other_hands_is_left_to_them(tmp_path: Path) -> None:
    """A second relay on the same directory stores nothing behind the gap until the first has carried its records."""
    async with fake_queue() as queue:
        audit, spill = MemoryAudit(), Spill(tmp_path / "spill", host="here")
        for number in range(6):
            await queue.intake.enqueue(make_event(f"DU{number}"))
        oldest = await queue.outbox.read("0-0", limit=4, block=AT_ONCE)
        await audit.append(oldest[:1])
        await queue.outbox.take_out(oldest[-1].stream_id, spill.append(oldest))
        first, second = (
            OutboxRelay(queue.outbox, audit, now=lambda: FAR_FUTURE, pause=Pauses(audit, back_after=1), spill=each)
            for each in (spill, Spill(tmp_path / "spill", host="here"))
        )

        with pytest.raises(HistoryGap, match="2 to 4"):
            await second.carry(block=AT_ONCE)
        await first.carry(block=AT_ONCE)

        assert await second.carry(block=AT_ONCE) == 2
    spill.close()


async def test_files_elsewhere_are_missed_although_nothing_else_waits() -> None:
    """With an empty outbox too a relay says that records lie on another host; files that are all stored it forgets."""
    async with fake_queue() as queue:
        audit = MemoryAudit()
        for number in range(4):
            await queue.intake.enqueue(make_event(f"DU{number}"))
        records = await queue.outbox.read("0-0", limit=10, block=AT_ONCE)
        await audit.append(records[:2])
        for name, last in (("stored", records[1]), ("missing", records[3])):
            marker = SpillMarker(name, 1, last.counter, last.stream_id, host=name, directory="/there")
            await queue.outbox.take_out(last.stream_id, marker)

        with pytest.raises(HistoryGap, match="/there on host missing"):
            await relay_of(queue, audit, Pauses(audit, back_after=1)).carry(block=AT_ONCE)

        assert [marker.spill_id for marker in await queue.outbox.spills()] == ["missing"]


async def test_what_was_read_ahead_dies_with_the_run_that_read_it() -> None:
    """The run ended because Redis is another one: its records have the numbers of those that were read before."""

    class Stop(Exception):
        """Ends the relay at its first pause."""

    async def stop(_: timedelta) -> None:
        raise Stop

    class Untrimmed(RedisOutbox):
        async def trim(self, through: str) -> None:
            raise QueueUnavailable(f"it died before it let go of {through}")

    async with fake_queue() as queue:
        scripts = ScriptRunner(queue.client, queue.keys, load_scripts())
        audit, outbox = MemoryAudit(), Untrimmed(scripts, queue.client, queue.client)
        for number in range(4):
            await queue.intake.enqueue(make_event(f"DU{number}"))
        relay = OutboxRelay(outbox, audit, now=lambda: FAR_FUTURE, pause=stop, batch=2)
        with pytest.raises(Stop):
            await relay.run()
        await queue.client.flushall()
        await queue.mending.renumber(None, HistoryPosition(2, audit.records[2].stream_id), ())
        await queue.intake.enqueue(make_event("rebuilt"))
        with pytest.raises(Stop):
            await relay.run()

    assert [audit.records[number].account_id for number in sorted(audit.records)] == ["DU0", "DU1", "rebuilt"]
