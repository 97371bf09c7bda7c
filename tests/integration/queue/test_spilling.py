"""The outbox moves to disk and from there to PostgreSQL: whatever dies in between, every record is stored once."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from event_queue import outbox_relief
from event_queue.audit import AuditRecord, Cursor
from event_queue.errors import AuditUnavailable, HistoryDiverged, QueueFull
from event_queue.outbox_relief import OutboxRelief
from event_queue.outbox_size import Pressure
from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.relay import OutboxRelay
from event_queue.spill import Spill
from event_queue.testing.events import make_event
from event_queue.testing.lost_redis import Copy, copy_of, go_back
from event_queue.testing.redis_server import running_redis
from event_queue.testing.relays import relay_of

pytestmark = pytest.mark.integration

AT_ONCE = timedelta(milliseconds=1)
SOON = timedelta(seconds=60)


class Crash(Exception):
    """The process ends here."""


async def fill(queue: RedisQueue, count: int, name: str = "DU") -> None:
    for number in range(count):
        await queue.intake.enqueue(make_event(f"{name}{number}"))


async def stored(database: Any) -> list[int]:
    """The counters of history, which is right when they have no gap and each stands once."""
    return [row["counter"] for row in await database.fetch("SELECT counter FROM event_history ORDER BY counter")]


async def test_records_move_to_disk_at_three_quarters_and_down_to_half(
    redis_queue: RedisQueue, audit: PostgresAudit, database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go, in as many steps as it takes, Redis remembers where, and all come back in order."""
    monkeypatch.setattr(outbox_relief, "_BATCH", 50)
    spill = Spill(tmp_path / "spill", host="here")
    await fill(redis_queue, 1200)
    size = await redis_queue.outbox.size()
    relaxed = OutboxRelief(redis_queue.outbox, spill, budget_bytes=size.bytes * 2)
    pressed = OutboxRelief(redis_queue.outbox, spill, budget_bytes=size.bytes * 5 // 4)

    calm = await relaxed.look()
    untouched = spill.records
    alarm = await pressed.look()
    left = await redis_queue.outbox.length()
    (marker,) = await redis_queue.outbox.spills()

    assert (calm, untouched, alarm) == (Pressure.WARNING, 0, Pressure.ALARM)
    assert spill.records + left == 1200
    assert (marker.first, marker.last, marker.host) == (1, spill.records, "here")
    assert 40 < pressed.state.percent < 50
    assert await relay_of(redis_queue.outbox, audit, spill=spill, batch=500).drain(within=SOON)
    assert await stored(database) == list(range(1, 1201))
    assert await redis_queue.outbox.spills() == []
    spill.close()


class DyingOutbox:
    """The outbox of a process that ends before or after the records are taken out of Redis."""

    def __init__(self, queue: RedisQueue, *, after: bool) -> None:
        self._outbox = queue.outbox
        self._after = after
        self.read: Callable[..., Any] = queue.outbox.read
        self.size: Callable[..., Any] = queue.outbox.size

    async def take_out(self, through: str, marker: Any) -> bool:
        if self._after:
            await self._outbox.take_out(through, marker)
        raise Crash


class SteppingBackOutbox:
    """The outbox of a Redis that comes back from an older file before the first records are taken out."""

    def __init__(self, queue: RedisQueue, older: Copy) -> None:
        self._queue = queue
        self._older: Copy | None = older
        self.read: Callable[..., Any] = queue.outbox.read
        self.size: Callable[..., Any] = queue.outbox.size

    async def take_out(self, through: str, marker: Any) -> bool:
        if self._older is not None:
            await go_back(self._queue.client, self._older)
        self._older = None
        return await self._queue.outbox.take_out(through, marker)


async def test_what_another_redis_keeps_does_not_count_as_moved(redis_queue: RedisQueue, tmp_path: Path) -> None:
    """Only records that have left Redis are told of; those of the older one are on disk already, and leave it then."""
    await fill(redis_queue, 5)
    older = await copy_of(redis_queue.client)
    await fill(redis_queue, 3, "lost")
    spill = Spill(tmp_path / "spill", host="here")
    outbox: Any = SteppingBackOutbox(redis_queue, older)
    relief = OutboxRelief(outbox, spill, budget_bytes=1)

    await relief.look()

    assert (relief.state.spilled, spill.records, await redis_queue.outbox.length()) == (5, 8, 0)
    spill.close()


class DyingSpill:
    """The spill of a process that ends around one of its steps."""

    def __init__(self, spill: Spill, step: str, *, after: bool) -> None:
        self._spill = spill
        self._step = step
        self._after = after

    def __getattr__(self, name: str) -> Any:
        if name != self._step:
            return getattr(self._spill, name)

        def dying(*arguments: Any) -> Any:
            if self._after:
                getattr(self._spill, name)(*arguments)
            raise Crash

        return dying


@pytest.mark.parametrize("step", ["append", "take_out", "read", "store", "release"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_crash_at_any_step_loses_and_doubles_nothing(
    redis_queue: RedisQueue, audit: PostgresAudit, database: Any, tmp_path: Path, step: str, after: bool
) -> None:
    """A process that dies while it spills, or while it brings back, is followed by one that finishes."""
    spill = Spill(tmp_path / "spill", host="here", segment_bytes=20_000)
    await fill(redis_queue, 300)
    if step not in ("append", "take_out"):
        await OutboxRelief(redis_queue.outbox, spill, budget_bytes=1).look()
        await fill(redis_queue, 20, "later")

    with pytest.raises(Crash):
        await _die(redis_queue, audit, spill, step, after=after)
    spill.close()
    heir = Spill(tmp_path / "spill", host="here")
    await OutboxRelief(redis_queue.outbox, heir, budget_bytes=1).look()
    await fill(redis_queue, 20, "heir")

    assert await relay_of(redis_queue.outbox, audit, spill=heir).drain(within=SOON)
    assert await stored(database) == list(range(1, len(await stored(database)) + 1))
    assert len(await stored(database)) in (320, 340)
    assert (heir.records, await redis_queue.outbox.length(), await redis_queue.outbox.spills()) == (0, 0, [])
    heir.close()


async def _die(queue: RedisQueue, audit: PostgresAudit, spill: Spill, step: str, *, after: bool) -> None:
    dying: Any = DyingSpill(spill, step, after=after)
    if step == "append":
        await OutboxRelief(queue.outbox, dying, budget_bytes=1).look()
    if step == "take_out":
        outbox: Any = DyingOutbox(queue, after=after)
        await OutboxRelief(outbox, spill, budget_bytes=1).look()
    if step == "store":
        await relay_of(queue.outbox, DyingStore(audit, after=after), spill=spill).carry(block=AT_ONCE)
    await relay_of(queue.outbox, audit, spill=dying).carry(block=AT_ONCE)


class DyingStore:
    """The audit of a process that ends before or after it has stored."""

    def __init__(self, audit: PostgresAudit, *, after: bool) -> None:
        self._audit = audit
        self._after = after
        self.cursor: Callable[..., Any] = audit.cursor

    async def append(self, records: Sequence[AuditRecord], *, epoch: int | None) -> None:
        if self._after:
            await self._audit.append(records, epoch=epoch)
        raise Crash


async def test_spilling_while_carrying_keeps_the_order(
    redis_queue: RedisQueue, audit: PostgresAudit, database: Any, tmp_path: Path
) -> None:
    """A relay that carries while records are made and moved to disk stores all of them in order, each once."""
    spill = Spill(tmp_path / "spill", host="here", segment_bytes=30_000)
    relief = OutboxRelief(redis_queue.outbox, spill, budget_bytes=30_000)
    relay = relay_of(redis_queue.outbox, audit, spill=spill, batch=40)
    done = asyncio.Event()

    async def carry() -> None:
        while not done.is_set():
            await relay.carry(block=AT_ONCE)

    async def press() -> None:
        while not done.is_set():
            await relief.look()

    await fill(redis_queue, 300, "before")
    await relief.look()
    tasks = [asyncio.create_task(job()) for job in (carry, press)]
    await fill(redis_queue, 1200)
    done.set()
    await asyncio.gather(*tasks)

    assert relief.state.spilled > 0
    assert await relay.drain(within=SOON)
    assert await stored(database) == list(range(1, 1501))
    spill.close()


async def test_two_hosts_that_spill_in_turn_store_in_order(
    redis_queue: RedisQueue, audit: PostgresAudit, database: Any, tmp_path: Path
) -> None:
    """Each waits for the other's older records, and says where they are."""
    east, west = (Spill(tmp_path / name, host=name) for name in ("east", "west"))
    for turn, spill in enumerate((east, west, east)):
        await fill(redis_queue, 120, f"{turn}-")
        await OutboxRelief(redis_queue.outbox, spill, budget_bytes=1).look()
    relays = [relay_of(redis_queue.outbox, audit, spill=spill) for spill in (west, east)]

    rounds = 0
    while await redis_queue.outbox.spills() and rounds < 100:
        rounds += 1
        for relay in relays:
            await asyncio.gather(_until_stuck(relay), return_exceptions=True)

    assert await stored(database) == list(range(1, 361))
    assert (east.records, west.records) == (0, 0)
    east.close()
    west.close()


async def _until_stuck(relay: OutboxRelay) -> None:
    while await relay.carry(block=AT_ONCE):
        pass


async def test_a_redis_that_went_back_behind_what_was_spilled_is_found_without_postgres(
    redis_queue: RedisQueue, tmp_path: Path
) -> None:
    """New records under numbers that are on disk already are not mixed with them."""
    spill = Spill(tmp_path / "spill", host="here")
    await fill(redis_queue, 50)
    await OutboxRelief(redis_queue.outbox, spill, budget_bytes=1).look()
    await redis_queue.client.flushall()
    await fill(redis_queue, 10, "again")

    with pytest.raises(HistoryDiverged):
        await OutboxRelief(redis_queue.outbox, spill, budget_bytes=1).look()

    assert await redis_queue.outbox.length() == 10
    spill.close()


async def test_a_redis_at_its_limit_is_relieved(tmp_path: Path) -> None:
    """Records still move to disk when Redis takes nothing in any more, and then it does again."""
    with running_redis(maxmemory="4mb", appendfsync="no") as server:
        async with open_redis(server.address) as queue:
            spill = Spill(tmp_path / "spill", host="here")
            with pytest.raises(QueueFull):
                await fill(queue, 50_000)
            relief = OutboxRelief(queue.outbox, spill)

            found = await relief.look()
            await queue.client.config_set("maxmemory", "8mb")
            await queue.intake.enqueue(make_event("again"))

            assert found is Pressure.ALARM
            assert spill.records > 0
            assert len(await queue.outbox.spills()) == 1
            spill.close()


async def test_random_outages_and_deaths_lose_nothing(
    redis_queue: RedisQueue, audit: PostgresAudit, database: Any, tmp_path: Path
) -> None:
    """A hundred random steps of filling, spilling, carrying, outages and deaths; the seed repeats a failure."""
    for seed in range(4):
        await redis_queue.client.flushall()
        await database.execute("TRUNCATE event_history, rebalance_events; UPDATE audit_cursor SET counter = 0")
        await database.execute("UPDATE audit_cursor SET stream_id = '0-0'")
        chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        await _live(redis_queue, audit, tmp_path / str(seed), chance)

        made = int(await redis_queue.client.get(redis_queue.keys.counter))
        assert await stored(database) == list(range(1, made + 1)), f"seed {seed}"


async def _live(queue: RedisQueue, audit: PostgresAudit, directory: Path, chance: random.Random) -> None:
    spill = Spill(directory, host="here", segment_bytes=chance.choice([3000, 30_000]))

    async def carry(store: Any) -> None:
        await relay_of(queue.outbox, store, spill=spill, batch=chance.randint(1, 60)).carry(block=AT_ONCE)

    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: fill(queue, chance.randint(1, 60), str(chance.random())),
        lambda: OutboxRelief(queue.outbox, spill, budget_bytes=chance.choice([1, 20_000, 90_000])).look(),
        lambda: carry(audit),
        lambda: carry(DyingStore(audit, after=chance.random() < 0.5)),
        lambda: carry(AwayStore()),
    ]
    for _ in range(100):
        step = chance.choice(steps)
        try:
            await step()
        except AuditUnavailable:
            continue
        except Crash:
            spill.close()
            spill = Spill(directory, host="here", segment_bytes=3000)
    assert await relay_of(queue.outbox, audit, spill=spill).drain(within=SOON)
    spill.close()


class AwayStore:
    """A PostgreSQL that is away."""

    async def cursor(self) -> Cursor:
        """No answer."""
        raise AuditUnavailable("away")

    async def append(self, records: Sequence[AuditRecord], *, epoch: int | None) -> None:
        """No answer."""
        raise AuditUnavailable(f"away with {len(records)} of {epoch}")
