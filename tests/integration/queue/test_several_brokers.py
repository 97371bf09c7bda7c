"""Two event-brokers at once, as in a rolling restart: each compares, mends and carries as if it were alone."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from event_queue.audit import AuditKind, AuditRecord, SetApart
from event_queue.events import RebalanceEvent
from event_queue.mend_plan import PresentEvent
from event_queue.mender import Mender
from event_queue.one_past import Verdict
from event_queue.outcomes import Lease
from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_mending import RedisMending
from event_queue.redis_queue import RedisQueue
from event_queue.relay import OutboxRelay
from event_queue.script_files import load_scripts
from event_queue.script_runner import ScriptRunner
from event_queue.testing.events import make_event
from event_queue.testing.leading import lead
from event_queue.testing.lost_redis import carry, copy_of, go_back
from service_runtime.clock import SystemClock

pytestmark = pytest.mark.integration

AT_ONCE = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)
CLOCK = SystemClock()
Meanwhile = Callable[[], Awaitable[None]]


class Interrupted(RedisMending):
    """Of a mender that is slow: something else happens before some of its steps, once."""

    def __init__(self, queue: RedisQueue, **before: Meanwhile) -> None:
        super().__init__(ScriptRunner(queue.client, queue.keys, load_scripts()), queue.client)
        self._before = before

    async def present(self) -> Mapping[UUID, PresentEvent]:
        await self._meanwhile("present")
        return await super().present()

    async def renumber(self, *records: Any, **more: Any) -> bool:
        await self._meanwhile("renumber")
        return await super().renumber(*records, **more)

    async def restore(self, *steps: Any, **more: Any) -> bool:
        await self._meanwhile("restore")
        return await super().restore(*steps, **more)

    async def reopen(self, run_id: str, *, halt: str) -> bool:
        await self._meanwhile("reopen")
        return await super().reopen(run_id, halt=halt)

    async def _meanwhile(self, step: str) -> None:
        if step in self._before:
            await self._before.pop(step)()


class Late:
    """PostgreSQL of a relay that is slow: between its reading and its first storing something else happens."""

    def __init__(self, audit: PostgresAudit, meanwhile: Meanwhile) -> None:
        self._audit = audit
        self._meanwhile: list[Meanwhile] = [meanwhile]
        self.cursor: Callable[..., Any] = audit.cursor

    async def append(self, records: Sequence[AuditRecord], *, epoch: int | None) -> Sequence[SetApart]:
        if self._meanwhile:
            await self._meanwhile.pop()()
        return await self._audit.append(records, epoch=epoch)


def mender_of(queue: RedisQueue, audit: PostgresAudit, redis: RedisMending | None = None) -> Mender:
    return Mender(redis or queue.mending, audit.past)


def relay_of(queue: RedisQueue, store: Any, *, batch: int = 500) -> OutboxRelay:
    async def no_pause(_: timedelta) -> None:
        """Nothing to wait for."""

    return OutboxRelay(queue.outbox, store, now=CLOCK.now, pause=no_pause, batch=batch)


async def claimed(queue: RedisQueue) -> tuple[Lease, RebalanceEvent]:
    lease = await lead(queue.worker, ttl=HOUR)
    event = await queue.worker.claim(lease, "0")
    assert event is not None
    return lease, event


async def kinds_of(audit: PostgresAudit, event: RebalanceEvent) -> list[AuditKind]:
    told = await audit.get_event(event.event_id)
    assert told is not None
    return [entry.kind for entry in told.history]


@pytest.mark.parametrize("was_in_hand", [False, True], ids=["waiting", "in hand"])
async def test_an_event_that_ended_meanwhile_does_not_come_back(
    redis_queue: RedisQueue, audit: PostgresAudit, *, was_in_hand: bool
) -> None:
    """One broker has planned, when another has rebuilt the queue, let trading go on, and the event has ended."""
    await redis_queue.intake.enqueue(event := make_event("DU1"))
    if was_in_hand:
        await claimed(redis_queue)
    await carry(redis_queue, audit)
    await redis_queue.client.flushall()

    async def another_is_quicker() -> None:
        await mender_of(redis_queue, audit).mend()
        lease, held = await claimed(redis_queue)
        await redis_queue.worker.complete(lease, "0", held, result={}, claim_next=False)

    await mender_of(redis_queue, audit, Interrupted(redis_queue, restore=another_is_quicker)).mend()

    assert await redis_queue.admin.list_events(10) == ()
    await carry(redis_queue, audit)
    assert (await kinds_of(audit, event)).count(AuditKind.COMPLETED) == 1
    assert (await mender_of(redis_queue, audit).compare()).verdict is Verdict.AGREES


async def test_an_event_that_another_has_put_back_is_put_back_once(
    redis_queue: RedisQueue, audit: PostgresAudit
) -> None:
    """One broker has planned, when another puts the event back and dies: the halt that both saw is in force still."""
    await redis_queue.intake.enqueue(event := make_event("DU1"))
    await carry(redis_queue, audit)
    await redis_queue.client.flushall()

    async def die() -> None:
        raise ConnectionAbortedError

    async def another_is_quicker_and_dies() -> None:
        with pytest.raises(ConnectionAbortedError):
            await mender_of(redis_queue, audit, Interrupted(redis_queue, reopen=die)).mend()

    await mender_of(redis_queue, audit, Interrupted(redis_queue, restore=another_is_quicker_and_dies)).mend()

    assert await redis_queue.client.lrange(redis_queue.keys.queue, 0, -1) == [str(event.event_id)]
    await carry(redis_queue, audit)
    assert await kinds_of(audit, event) == [AuditKind.QUEUED, AuditKind.RESTORED]
    assert (await mender_of(redis_queue, audit).compare()).verdict is Verdict.AGREES


async def test_an_event_that_is_worked_on_meanwhile_stays_in_its_hand(
    redis_queue: RedisQueue, audit: PostgresAudit
) -> None:
    """It may have sent orders: put into the line again, the same attempt would send them twice."""
    await redis_queue.intake.enqueue(event := make_event("DU1"))
    await carry(redis_queue, audit)
    await redis_queue.client.flushall()

    renumbered, planning, restored, acting = (asyncio.Event() for _ in range(4))

    async def until_the_slow_one_plans() -> None:
        renumbered.set()
        await planning.wait()

    async def until_the_slow_one_acts() -> None:
        restored.set()
        await acting.wait()

    quick = Interrupted(redis_queue, restore=until_the_slow_one_plans, reopen=until_the_slow_one_acts)
    mending = asyncio.create_task(mender_of(redis_queue, audit, quick).mend())

    async def the_quick_one_restores() -> None:
        planning.set()
        await restored.wait()

    taken: list[tuple[Lease, RebalanceEvent]] = []

    async def the_quick_one_reopens() -> None:
        acting.set()
        await mending
        taken.append(await claimed(redis_queue))

    await renumbered.wait()
    slow = Interrupted(redis_queue, present=the_quick_one_restores, restore=the_quick_one_reopens)
    await mender_of(redis_queue, audit, slow).mend()

    [(lease, held)] = taken
    await redis_queue.worker.complete(lease, "0", held, result={}, claim_next=False)
    await carry(redis_queue, audit)
    assert await kinds_of(audit, event) == [
        AuditKind.QUEUED,
        AuditKind.RESTORED,
        AuditKind.CLAIMED,
        AuditKind.COMPLETED,
    ]


async def test_a_redis_that_is_lost_once_more_while_it_is_rebuilt_is_rebuilt_again(
    redis_queue: RedisQueue, audit: PostgresAudit
) -> None:
    """The halt is gone with the rest: numbered behind history it would look well, and lack every event."""
    await redis_queue.intake.enqueue(event := make_event("DU1"))
    await carry(redis_queue, audit)
    await redis_queue.client.flushall()

    async def it_is_lost_again() -> None:
        await redis_queue.client.flushall()

    await mender_of(redis_queue, audit, Interrupted(redis_queue, renumber=it_is_lost_again)).mend()

    assert [each.event.event_id for each in await redis_queue.admin.list_events(10)] == [event.event_id]


async def test_a_halt_that_comes_too_late_changes_nothing(redis_queue: RedisQueue, audit: PostgresAudit) -> None:
    """The halt in force stays, with what the queue never saw, and nobody ends it in the name of another."""
    first = await redis_queue.mending.halt("halted 1 5 first")
    second = await redis_queue.mending.halt("halted 3 5 second")

    assert (first, second) == ("halted 1 5 first", "halted 1 5 first")
    assert not await redis_queue.mending.reopen("run", halt="halted 3 5 second")
    assert await redis_queue.mending.halt_reason() == "halted 1 5 first"
    assert await redis_queue.mending.reopen("run", halt="halted 1 5 first")
    assert await redis_queue.mending.halt_reason() == ""
    assert (await mender_of(redis_queue, audit).mend()).is_nothing


@pytest.mark.parametrize("batch", [1, 500], ids=["reading ahead", "one by one"])
async def test_what_was_read_from_an_emptied_redis_is_not_stored_behind_the_comparison(
    redis_queue: RedisQueue, audit: PostgresAudit, batch: int
) -> None:
    """One broker has read, when Redis is emptied and another rebuilds it: it reads again, and stores what is true."""
    await redis_queue.intake.enqueue(event := make_event("DU1"))
    await carry(redis_queue, audit)
    lease, held = await claimed(redis_queue)
    await redis_queue.worker.complete(lease, "0", held, result={}, claim_next=False)

    async def another_rebuilds_it() -> None:
        await redis_queue.client.flushall()
        await mender_of(redis_queue, audit).mend()

    assert await relay_of(redis_queue, Late(audit, another_rebuilds_it), batch=batch).drain(within=HOUR)

    assert await kinds_of(audit, event) == [AuditKind.QUEUED, AuditKind.RESTORED]
    assert (await mender_of(redis_queue, audit).compare()).verdict is Verdict.AGREES


async def test_what_was_read_before_a_first_start_is_not_stored_behind_it(
    redis_queue: RedisQueue, audit: PostgresAudit
) -> None:
    """Neither side holds anything, so a new history begins; a record of the Redis before does not become its first."""
    await redis_queue.intake.enqueue(make_event("lost untold"))

    async def another_opens_it() -> None:
        await redis_queue.client.flushall()
        assert await mender_of(redis_queue, audit).open_if_new()
        await redis_queue.intake.enqueue(make_event("new"))

    assert await relay_of(redis_queue, Late(audit, another_opens_it)).drain(within=HOUR)

    assert [known.event.account_id for known in await audit.past.unfinished()] == ["new"]
    assert (await mender_of(redis_queue, audit).compare()).verdict is Verdict.AGREES


async def test_a_batch_stored_in_time_is_dropped_from_the_redis_that_it_was_read_from_alone(
    redis_queue: RedisQueue, audit: PostgresAudit
) -> None:
    """Redis is replaced by one with an older past between storing and dropping: that holds what nobody has stored."""
    await redis_queue.intake.enqueue(make_event("old", data={"n": 1}))
    old = await copy_of(redis_queue.client)
    await redis_queue.client.flushall()
    await redis_queue.intake.enqueue(make_event("new"))
    (record,) = await redis_queue.outbox.read("0-0", limit=10, block=AT_ONCE)
    await audit.append([record])

    await go_back(redis_queue.client, old)
    await redis_queue.outbox.trim(record.stream_id)

    assert await redis_queue.outbox.length() == 1
    assert (await mender_of(redis_queue, audit).compare()).verdict is Verdict.REDIS_WENT_BACK
