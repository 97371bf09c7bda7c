"""The keeper of history on a real Redis and PostgreSQL: it rebuilds, halts, tells, and lets records through."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from event_broker import history_keeper
from event_broker.past_gate import GatedIntake, PastGate
from event_broker.testing.keeping import keeper_of, look
from event_queue.components import ComponentState
from event_queue.errors import QueueClosed, ReadTooEarly
from event_queue.inbound_message import InboundMessage
from event_queue.known_run import KnownRun
from event_queue.mender import Mender
from event_queue.one_past import Verdict
from event_queue.outcomes import AlreadySeen
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.spill import Spill
from event_queue.testing.events import make_event
from event_queue.testing.lost_redis import Copy, carry, copy_of, go_back
from event_queue.testing.redis_server import running_redis
from event_queue.testing.server_process import free_port
from service_runtime.clock import SystemClock

pytestmark = pytest.mark.integration

CLOCK = SystemClock()
LONG_SECONDS = 30


def nobody_listens() -> PostgresAddress:
    """Where no PostgreSQL answers."""
    return PostgresAddress(host="127.0.0.1", port=free_port(), user="nobody", database="none")


class Looks(SystemClock):
    """The clock of a keeper that looks as often as the test asks."""

    def __init__(self) -> None:
        self._looked: asyncio.Queue[None] = asyncio.Queue()
        self._wanted: asyncio.Queue[None] = asyncio.Queue()

    async def pause(self, seconds: float) -> None:
        assert seconds
        self._looked.put_nowait(None)
        await self._wanted.get()

    async def look(self, times: int = 1) -> None:
        """Return after so many more looks; the first of all needs no asking."""
        async with asyncio.timeout(LONG_SECONDS):
            for _ in range(times):
                await self._looked.get()
                self._wanted.put_nowait(None)


@asynccontextmanager
async def at_work(*work: Coroutine[None, None, None]) -> AsyncGenerator[None]:
    """All of it side by side, until the end of the block."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_first_start_opens_the_queue(redis_queue: RedisQueue, audit: PostgresAudit, tmp_path: Path) -> None:
    """Neither side holds anything: events may come, and the run of Redis counts as compared."""
    report = await look(keeper_of(redis_queue, audit, tmp_path))

    assert report.state is ComponentState.OK
    assert await redis_queue.mending.checked_run() == await redis_queue.mending.run_id()
    await redis_queue.intake.enqueue(make_event(), least=0)


async def test_what_others_read_from_an_earlier_run_is_refused_before_a_new_one_is_compared(
    redis_queue: RedisQueue, audit: PostgresAudit, tmp_path: Path
) -> None:
    """Another event-broker may hold a batch of the run before; one that meets a run which was compared lets it be."""
    await redis_queue.intake.enqueue(make_event())
    cursor = await audit.cursor()
    batch = await redis_queue.outbox.read(cursor.stream_id, limit=10, block=timedelta(milliseconds=1))

    await look(keeper_of(redis_queue, audit, tmp_path))
    begun = await audit.cursor()
    await look(keeper_of(redis_queue, audit, tmp_path))

    with pytest.raises(ReadTooEarly):
        await audit.append(batch, epoch=cursor.epoch)
    assert await audit.append(batch, epoch=begun.epoch) == ()


async def test_an_emptied_redis_is_rebuilt_at_the_first_look(
    redis_queue: RedisQueue, audit: PostgresAudit, tmp_path: Path
) -> None:
    """The event is back, marked, and nothing stays closed."""
    await redis_queue.intake.enqueue(event := make_event())
    await carry(redis_queue, audit)
    await go_back(redis_queue.client, {})

    report = await look(keeper_of(redis_queue, audit, tmp_path))

    assert report.state is ComponentState.OK
    assert "rebuilt" in report.detail
    living = await redis_queue.admin.get_event(event.event_id)
    assert living is not None
    assert living.event.recovered
    assert await redis_queue.mending.halt_reason() == ""


async def test_a_redis_that_went_back_is_halted_and_nothing_is_carried(
    redis_queue: RedisQueue, audit: PostgresAudit, tmp_path: Path
) -> None:
    """Carrying waits for the resync, and starts anew by itself after it."""
    copy = await copy_of(redis_queue.client)
    await redis_queue.intake.enqueue(make_event("DU1"))
    old = await copy_of(redis_queue.client)
    await redis_queue.intake.enqueue(make_event("DU2"))
    await carry(redis_queue, audit)
    await go_back(redis_queue.client, old)
    keeper, started = keeper_of(redis_queue, audit, tmp_path), asyncio.Event()

    async def carrying() -> None:
        started.set()
        await asyncio.Event().wait()

    report = await look(keeper)
    beside = asyncio.create_task(keeper.carrying.while_allowed(carrying))
    await CLOCK.pause(0.05)
    halt = await redis_queue.mending.halt_reason()
    was_started = started.is_set()
    await Mender(redis_queue.mending, audit.past).mend()
    after = await look(keeper)
    async with asyncio.timeout(LONG_SECONDS):
        await started.wait()
    beside.cancel()
    await asyncio.gather(beside, return_exceptions=True)

    assert copy == {}
    assert (report.state, report.facts["verdict"]) == (ComponentState.DOWN, Verdict.REDIS_WENT_BACK)
    assert "rebalancer resync" in report.detail
    assert halt.startswith("halted ")
    assert not was_started
    assert after.state is ComponentState.OK


async def test_a_redis_that_lost_a_key_is_halted_while_records_are_carried_on(
    redis_queue: RedisQueue, audit: PostgresAudit, tmp_path: Path
) -> None:
    """It takes every record to bring the events back; signals are taken in, and the resync ends it all."""
    await redis_queue.intake.enqueue(make_event("DU1"))
    await redis_queue.client.delete(redis_queue.keys.queue)
    gate, started = PastGate(KnownRun()), asyncio.Event()
    keeper = keeper_of(redis_queue, audit, tmp_path, gate)

    async def carrying() -> None:
        started.set()
        await asyncio.Event().wait()

    report = await look(keeper)
    async with at_work(keeper.run(), keeper.carrying.while_allowed(carrying)), asyncio.timeout(LONG_SECONDS):
        await started.wait()
    halt = await redis_queue.mending.halt_reason()
    await GatedIntake(redis_queue.intake, gate).enqueue(make_event("DU2"))
    await carry(redis_queue, audit)
    await Mender(redis_queue.mending, audit.past).mend()
    after = await look(keeper)

    assert (report.state, report.facts["verdict"]) == (ComponentState.DOWN, Verdict.KEYS_LOST)
    assert "rebalancer resync" in report.detail
    assert halt.startswith("lacking ")
    assert after.state is ComponentState.OK
    assert (await redis_queue.admin.status()).queue_length == 2


async def test_what_was_put_into_a_key_by_hand_and_taken_out_again_needs_a_resync_too(
    redis_queue: RedisQueue, audit: PostgresAudit, tmp_path: Path
) -> None:
    """Counts that agree again tell of no event where it is: health says so, and the resync leaves each as it was."""
    await redis_queue.intake.enqueue(event := make_event("DU1"))
    keeper = keeper_of(redis_queue, audit, tmp_path)

    await redis_queue.client.hset(redis_queue.keys.events, "odd", "{}")
    contradicted = await look(keeper)
    await redis_queue.client.hdel(redis_queue.keys.events, "odd")
    counted = await look(keeper)
    await carry(redis_queue, audit)
    await Mender(redis_queue.mending, audit.past).mend()
    mended = await look(keeper)

    assert [each.state for each in (contradicted, counted, mended)] == [ComponentState.DOWN] * 2 + [ComponentState.OK]
    assert "proves nothing" in counted.detail
    assert "rebalancer resync" in counted.detail
    [living] = await redis_queue.admin.list_events(10)
    assert (living.event.event_id, living.event.times_queued) == (event.event_id, 1)


async def test_postgres_away_halts_nothing(redis_queue: RedisQueue, tmp_path: Path) -> None:
    """It says that it cannot compare, and closes nothing."""
    async with open_postgres(nobody_listens()) as audit:
        report = await look(keeper_of(redis_queue, audit, tmp_path))

    assert report.state is ComponentState.DEGRADED
    assert "trading goes on" in report.detail
    assert await redis_queue.mending.halt_reason() == ""


async def test_what_was_read_from_another_run_of_redis_is_not_carried_on(audit: PostgresAudit, tmp_path: Path) -> None:
    """When Redis has started anew, carrying ends before the two are compared and starts again; its log is rewritten."""
    starts: asyncio.Queue[None] = asyncio.Queue()

    async def carry() -> None:
        starts.put_nowait(None)
        await asyncio.Event().wait()

    with running_redis() as server:
        async with open_redis(server.address) as queue, asyncio.timeout(LONG_SECONDS):
            keeper = keeper_of(queue, audit, tmp_path)
            working = [asyncio.create_task(each) for each in (keeper.run(), keeper.carrying.while_allowed(carry))]
            await starts.get()
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)

            await starts.get()

            told = await queue.client.info("commandstats")
            assert told["cmdstat_bgrewriteaof"]["calls"] == 1
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)


async def test_messages_are_known_again_before_the_next_one_is_taken_in(
    redis_queue: RedisQueue, audit: PostgresAudit, tmp_path: Path
) -> None:
    """Emptied or gone back: whoever listens is told of the loss, and no message of before counts again."""
    message = InboundMessage("growth", "m1", CLOCK.now())
    await redis_queue.intake.enqueue(make_event("DU0"))
    old = await copy_of(redis_queue.client)
    await redis_queue.intake.enqueue(make_event("DU1"), message=message)
    await carry(redis_queue, audit)
    gate, losses = PastGate(KnownRun()), list[datetime | None]()
    gate.whenever_lost.append(losses.append)
    keeper = keeper_of(redis_queue, audit, tmp_path, gate)
    began = CLOCK.now()

    copies: list[Copy] = [old, {}]
    for lost in copies:
        await look(keeper)
        await go_back(redis_queue.client, lost)
        with pytest.raises(QueueClosed):
            await GatedIntake(redis_queue.intake, gate).enqueue(make_event("DU1"), message=message)
        report = await look(keeper)
        seen = await GatedIntake(redis_queue.intake, gate).enqueue(make_event("DU1"), message=message)
        await Mender(redis_queue.mending, audit.past).mend()
        await carry(redis_queue, audit)

        assert report.state is (ComponentState.DOWN if lost else ComponentState.OK)
        assert isinstance(seen, AlreadySeen)
    assert len(losses) == 2
    assert all(told is not None and told >= began for told in losses)


async def test_a_redis_from_an_older_file_takes_no_signal_in_before_it_is_compared(
    audit: PostgresAudit, tmp_path: Path
) -> None:
    """However little it lacks: of what came since the last look nobody here has told the gate."""
    message, run = InboundMessage("growth", "m1", CLOCK.now()), KnownRun()
    gate = PastGate(run)
    with running_redis() as server:
        async with open_redis(server.address, known_run=run) as queue, asyncio.timeout(LONG_SECONDS):
            intake, keeper = GatedIntake(queue.intake, gate), keeper_of(queue, audit, tmp_path, gate)
            await look(keeper)
            older = server.log
            await intake.enqueue(make_event("DU1"), message=message)
            await carry(queue, audit)
            await asyncio.to_thread(server.start_from, older)

            with pytest.raises(QueueClosed, match="not been compared"):
                await intake.enqueue(make_event("DU1"), message=message)
            report = await look(keeper)

            assert report.facts["verdict"] is Verdict.REDIS_WENT_BACK
            assert isinstance(await intake.enqueue(make_event("DU1"), message=message), AlreadySeen)


async def test_without_history_a_run_that_was_compared_before_takes_signals_in_at_once(
    redis_queue: RedisQueue, tmp_path: Path
) -> None:
    """Any other waits: PostgreSQL, which may know better, may only be starting."""
    address = nobody_listens()
    known, unknown = PastGate(KnownRun()), PastGate(KnownRun())
    async with open_postgres(address) as audit:
        await look(keeper_of(redis_queue, audit, tmp_path, unknown))
        await redis_queue.mending.mark_checked(await redis_queue.mending.run_id())
        await look(keeper_of(redis_queue, audit, tmp_path, known))

    assert (unknown.is_open, known.is_open) == (False, True)


async def test_the_log_of_a_halted_redis_is_rewritten_once_and_it_is_planned_for_once(
    redis_queue: RedisQueue, audit: PostgresAudit, tmp_path: Path
) -> None:
    """A halt may last until the next morning: each look at it costs as little as at a Redis that is well."""
    await redis_queue.intake.enqueue(make_event("DU1"))
    old = await copy_of(redis_queue.client)
    await redis_queue.intake.enqueue(make_event("DU2"))
    await carry(redis_queue, audit)
    await go_back(redis_queue.client, old)
    await redis_queue.client.config_resetstat()
    looks = Looks()

    async with at_work(keeper_of(redis_queue, audit, tmp_path, clock=looks).run()):
        await looks.look(4)

    told = await redis_queue.client.info("commandstats")
    assert told["cmdstat_bgrewriteaof"]["calls"] == 1
    assert told["cmdstat_xrange"]["calls"] < 2 * 4 + 4


async def test_spilled_records_are_carried_without_a_break_while_a_rebuild_waits_for_them(
    redis_queue: RedisQueue, audit: PostgresAudit, tmp_path: Path
) -> None:
    """A batch that takes longer than from one look to the next would never be stored else."""
    await redis_queue.intake.enqueue(make_event())
    spilled = Spill(tmp_path / "spill", host="here")
    spilled.append(await redis_queue.outbox.read("0-0", limit=1, block=timedelta(milliseconds=1)))
    spilled.close()
    await carry(redis_queue, audit)
    await go_back(redis_queue.client, {})
    looks, starts = Looks(), list[datetime]()
    keeper = keeper_of(redis_queue, audit, tmp_path, clock=looks)

    async def carry_on() -> None:
        starts.append(CLOCK.now())
        await asyncio.Event().wait()

    async with at_work(keeper.run(), keeper.carrying.while_allowed(carry_on)):
        await looks.look(4)

    assert "once the records spilled to disk" in keeper.report().detail
    assert len(starts) == 1


async def test_nothing_is_carried_while_an_emptied_redis_is_rebuilt(
    redis_queue: RedisQueue, audit: PostgresAudit, tmp_path: Path
) -> None:
    """Records that were read before, and stored after the numbers of the new ones were given, would contradict them."""
    await redis_queue.intake.enqueue(make_event())
    await carry(redis_queue, audit)
    looks, numbers, started = Looks(), list[object](), asyncio.Queue[None]()
    keeper = keeper_of(redis_queue, audit, tmp_path, clock=looks)

    async def carry_on() -> None:
        started.put_nowait(None)
        try:
            await asyncio.Event().wait()
        finally:
            numbers.append(await redis_queue.client.get(redis_queue.keys.counter))

    async with at_work(keeper.run(), keeper.carrying.while_allowed(carry_on)):
        await started.get()
        await go_back(redis_queue.client, {})
        await looks.look(2)
        async with asyncio.timeout(LONG_SECONDS):
            await started.get()
        ended_at = list(numbers)

    assert ended_at == [None]
    assert "rebuilt" in keeper.report().detail


async def test_a_halted_redis_takes_no_signal_in_before_history_has_told_what_it_has_seen(
    redis_queue: RedisQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is traded on it, so waiting for PostgreSQL delays no trade; and the report does not say otherwise."""
    monkeypatch.setattr(history_keeper, "PATIENCE_SECONDS", 0)
    await redis_queue.mending.halt("halted 0 0 it went back")
    address, gate, looks = nobody_listens(), PastGate(KnownRun()), Looks()
    async with open_postgres(address) as audit:
        keeper = keeper_of(redis_queue, audit, tmp_path, gate, clock=looks)
        async with at_work(keeper.run()):
            await looks.look(2)

    assert not gate.is_open
    assert (keeper.report().state, keeper.report().facts["halt"]) == (ComponentState.DOWN, "halted 0 0 it went back")
    assert "nothing is traded" in keeper.report().detail
