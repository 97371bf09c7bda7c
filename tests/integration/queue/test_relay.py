"""The relay between the real servers: crashes between its steps, PostgreSQL away, several relays at once."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from event_queue.audit import AuditKind, AuditRecord, EventStatus
from event_queue.errors import AuditUnavailable, HistoryDiverged
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.redis_queue import RedisQueue
from event_queue.relay import OutboxRelay
from event_queue.testing.events import make_event
from event_queue.testing.postgres_server import running_postgres
from event_queue.testing.relays import address_of

pytestmark = pytest.mark.integration

NOW = datetime(2025, 6, 24, tzinfo=UTC)
AT_ONCE = timedelta(milliseconds=1)
SOON = timedelta(seconds=20)


class Crash(Exception):
    """The relay's process ends here."""


async def no_pause(_: timedelta) -> None:
    """A pause that takes no time."""


def relay_of(queue: RedisQueue, store: Any, *, outbox: Any = None, batch: int = 500) -> OutboxRelay:
    return OutboxRelay(outbox or queue.outbox, store, now=lambda: NOW, pause=no_pause, batch=batch)


async def work(queue: RedisQueue, lease: Lease, count: int) -> list[RebalanceEvent]:
    """Queue and complete that many events: three records each."""
    events = [make_event(f"DU{number}") for number in range(count)]
    for event in events:
        await queue.intake.enqueue(event)
    held = await queue.worker.claim(lease, "0")
    while held is not None:
        held = await queue.worker.complete(lease, "0", held, result={}, claim_next=True)
    return events


class CrashingOutbox:
    """The outbox of a process that ends at its first trim."""

    def __init__(self, queue: RedisQueue, *, after_trim: bool) -> None:
        self._outbox = queue.outbox
        self._after_trim = after_trim
        self.read: Callable[..., Any] = queue.outbox.read
        self.length: Callable[..., Any] = queue.outbox.length
        self.spills: Callable[..., Any] = queue.outbox.spills

    async def trim(self, through: str) -> None:
        if self._after_trim:
            await self._outbox.trim(through)
        raise Crash


class CrashingStore:
    """The audit of a process that ends as it stores."""

    def __init__(self, audit: PostgresAudit) -> None:
        self.cursor: Callable[..., Any] = audit.cursor

    async def append(self, records: Sequence[AuditRecord], *, epoch: int | None) -> None:
        raise Crash(len(records), epoch)


async def test_records_reach_postgres_once_and_leave_the_outbox(
    redis_queue: RedisQueue, lease: Lease, audit: PostgresAudit
) -> None:
    """After a drain PostgreSQL knows every event's end, and the outbox is empty."""
    await work(redis_queue, lease, 20)
    relay = relay_of(redis_queue, audit, batch=7)

    assert await relay.drain(within=SOON)

    assert await redis_queue.outbox.length() == 0
    assert (relay.state.stored, relay.state.lag_records) == (60, 0)


@pytest.mark.parametrize("point", ["before storing", "after storing", "after trimming"])
async def test_a_crash_between_any_two_steps_loses_and_doubles_nothing(
    redis_queue: RedisQueue, lease: Lease, audit: PostgresAudit, point: str
) -> None:
    """The next relay finishes what the last one left, whatever step it had reached."""
    event = make_event("first")
    await redis_queue.intake.enqueue(event)
    await work(redis_queue, lease, 5)
    store = CrashingStore(audit) if point == "before storing" else audit
    outbox = CrashingOutbox(redis_queue, after_trim=point == "after trimming")
    with pytest.raises(Crash):
        await relay_of(redis_queue, store, outbox=outbox).carry(block=AT_ONCE)

    assert await relay_of(redis_queue, audit).drain(within=SOON)

    assert await redis_queue.outbox.length() == 0
    row = await audit.get_event(event.event_id)
    assert row is not None
    assert [entry.kind for entry in row.history] == [AuditKind.QUEUED, AuditKind.CLAIMED, AuditKind.COMPLETED]


async def test_relays_at_once_do_not_disturb_one_another(
    redis_queue: RedisQueue, lease: Lease, audit: PostgresAudit
) -> None:
    """Three relays store every record once."""
    events = await work(redis_queue, lease, 30)
    relays = [relay_of(redis_queue, audit, batch=10) for _ in range(3)]

    assert all(await asyncio.gather(*(relay.drain(within=SOON) for relay in relays)))

    assert await redis_queue.outbox.length() == 0
    rows = [await audit.get_event(event.event_id) for event in events]
    assert [len(row.history) for row in rows if row] == [3] * 30


async def test_a_redis_that_went_back_in_time_stops_the_relay(
    redis_queue: RedisQueue, lease: Lease, audit: PostgresAudit
) -> None:
    """A counter that comes again under another id raises, and the outbox keeps what it holds."""
    await work(redis_queue, lease, 3)
    await relay_of(redis_queue, audit).drain(within=SOON)
    await redis_queue.client.flushall()
    await redis_queue.intake.enqueue(make_event())

    with pytest.raises(HistoryDiverged):
        await relay_of(redis_queue, audit).run()

    assert await redis_queue.outbox.length() == 1


async def test_postgres_may_be_killed_while_events_flow(
    redis_queue: RedisQueue, lease: Lease, pytestconfig: pytest.Config
) -> None:
    """While PostgreSQL is dead the queue works on and the relay pauses; afterwards every record arrives."""
    schema = (pytestconfig.rootpath / "init.sql").read_text(encoding="utf-8")
    with running_postgres() as server:
        dsn = await server.create_database(schema)
        pauses: list[timedelta] = []
        event = make_event("meanwhile")

        async def restart_at_third(pause: timedelta) -> None:
            pauses.append(pause)
            if len(pauses) == 3:
                server.start()

        async with open_postgres(address_of(dsn)) as audit:
            relay = OutboxRelay(redis_queue.outbox, audit, now=lambda: NOW, pause=restart_at_third)
            await work(redis_queue, lease, 3)
            await relay.carry(block=AT_ONCE)
            server.kill()
            await redis_queue.intake.enqueue(event)
            with pytest.raises(AuditUnavailable):
                await relay.carry(block=AT_ONCE)

            task = asyncio.create_task(relay.run())
            async with asyncio.timeout(20):
                while relay.state.stored < 10:
                    await asyncio.wait({task}, timeout=0.02)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

            row = await audit.get_event(event.event_id)
    assert row is not None
    assert row.status is EventStatus.PENDING
    assert len(pauses) >= 3
    assert relay.state.last_error is None


async def test_the_switch_reaches_the_history(redis_queue: RedisQueue, audit: PostgresAudit, lease: Lease) -> None:
    """Pauses are carried among the events, in their order, and a parked event reads as delayed."""
    event = make_event("DU1")
    await redis_queue.intake.enqueue(event)
    await redis_queue.worker.claim(lease, "0")
    pause = await redis_queue.trading.pause("DU1", actor="ops", reason="news")
    await redis_queue.worker.park(lease, "0", event, reason="trading is paused")
    relay = relay_of(redis_queue, audit)

    await relay.drain(within=SOON)
    parked = await audit.get_event(event.event_id)
    await redis_queue.trading.resume("DU1", actor="ops")
    await relay.drain(within=SOON)

    resumed, paused = await audit.list_pauses(limit=10)
    assert (paused.kind, paused.scope, paused.actor, paused.reason) == (AuditKind.PAUSED, "DU1", "ops", "news")
    assert paused.recorded_at >= pause.since
    assert (resumed.kind, resumed.reason) == (AuditKind.RESUMED, None)
    assert parked is not None
    assert (parked.status, parked.next_attempt_at) == (EventStatus.DELAYED, None)
    assert await redis_queue.outbox.length() == 0
