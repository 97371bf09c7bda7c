"""A Redis that was emptied, or went back in time, is put right from history."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from event_queue.audit import AuditKind, EventStatus
from event_queue.errors import CorruptQueue, QueueClosed, QueueHalted
from event_queue.events import Command, RebalanceEvent
from event_queue.mend_plan import MendAction
from event_queue.mender import Mender
from event_queue.one_past import Verdict
from event_queue.outcomes import Duplicate, Lease, LivingEvent
from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_queue import RedisQueue
from event_queue.relay import OutboxRelay
from event_queue.testing.events import make_event
from event_queue.testing.leading import lead
from event_queue.testing.lost_redis import Copy, copy_of, go_back
from service_runtime.clock import SystemClock

pytestmark = pytest.mark.integration

SOON = timedelta(seconds=60)
HOUR = timedelta(hours=1)
CLOCK = SystemClock()


@pytest.fixture
def mender(redis_queue: RedisQueue, audit: PostgresAudit) -> Mender:
    """What puts the queue right."""
    return Mender(redis_queue.mending, audit.past)


async def drain(queue: RedisQueue, audit: PostgresAudit) -> None:
    async def no_pause(_: timedelta) -> None:
        """Nothing to wait for."""

    relay = OutboxRelay(queue.outbox, audit, now=CLOCK.now, pause=no_pause)
    assert await relay.drain(within=SOON)


async def living(queue: RedisQueue) -> list[LivingEvent]:
    return list(await queue.admin.list_events(1000))


async def lease_of(queue: RedisQueue, holder: str) -> Lease:
    return await lead(queue.worker, holder, ttl=HOUR)


def as_it_was(event: RebalanceEvent) -> RebalanceEvent:
    return event.model_copy(update={"recovered": False})


async def test_an_emptied_redis_is_rebuilt_in_its_order(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """Waiting ones keep order and count, a paused one its end, a parked one its pause; one in work joins last."""
    names = ("held", "failed", "late", "parked", "first", "second")
    events = {name: make_event(name, data={"n": [1, 2.5, "ü"]}) for name in names}
    for event in events.values():
        await redis_queue.intake.enqueue(event)
    lease = await lease_of(redis_queue, "a")
    await redis_queue.trading.pause("parked", actor="ops", reason="news")
    for slot, name in enumerate(names[:4]):
        assert await redis_queue.worker.claim(lease, str(slot)) == events[name]
    await redis_queue.worker.requeue(lease, "1", events["failed"], pause=timedelta(), error="x", result={})
    due = CLOCK.now().replace(microsecond=0) + HOUR
    await redis_queue.worker.delay(lease, "2", events["late"], until=due, reason="closed")
    await redis_queue.worker.park(lease, "3", events["parked"], reason="paused")
    await drain(redis_queue, audit)
    before, pauses = await living(redis_queue), await redis_queue.trading.read()

    await redis_queue.client.flushall()
    plan = await mender.mend()

    assert plan.comparison.verdict is Verdict.REDIS_LOST
    assert {step.action for step in plan.steps} == {MendAction.RETURNS}
    after = await living(redis_queue)
    assert [each.event.account_id for each in after] == ["first", "second", "failed", "held", "late", "parked"]
    assert all(each.event.recovered for each in after)
    held, *others = before
    assert [(as_it_was(each.event), each.state, each.due_at) for each in after if each.event.account_id != "held"] == [
        (each.event, each.state, each.due_at) for each in others
    ]
    assert as_it_was(after[3].event) == held.event.requeued()
    [(scope, pause)] = (await redis_queue.trading.read()).items()
    assert replace(pause, since=pauses[scope].since) == pauses[scope]
    assert abs(pause.since - pauses[scope].since) < timedelta(seconds=1)
    await drain(redis_queue, audit)
    assert (await mender.compare()).verdict is Verdict.AGREES
    record = await audit.get_event(events["held"].event_id)
    assert record is not None
    assert record.history[-1].kind is AuditKind.RECOVERED


async def test_an_emptied_redis_takes_nothing_in_before_it_is_rebuilt(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """What history knows as active is no second time accepted, neither before nor after."""
    await redis_queue.intake.enqueue(event := make_event("DU1"))
    await drain(redis_queue, audit)
    await redis_queue.client.flushall()

    with pytest.raises(QueueClosed):
        await redis_queue.intake.enqueue(make_event("DU1"), least=0)
    assert not await mender.open_if_new()

    await mender.mend()
    outcome = await redis_queue.intake.enqueue(make_event("DU1"), least=0)
    assert getattr(outcome, "active_event_id", None) == event.event_id


async def test_ended_events_stay_ended_when_redis_went_back(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """An event that history has seen end goes; one it has seen queued comes back; one of since then stays."""
    done, lost = make_event("done"), make_event("lost", Command.PRINT_EQUITY)
    await redis_queue.intake.enqueue(done)
    await drain(redis_queue, audit)
    snapshot = await copy_of(redis_queue.client)
    lease = await lease_of(redis_queue, "a")
    await redis_queue.worker.claim(lease, "0")
    await redis_queue.worker.complete(lease, "0", done, result={"status": "ok"}, claim_next=False)
    await redis_queue.intake.enqueue(lost)
    await drain(redis_queue, audit)

    await go_back(redis_queue.client, snapshot)
    await redis_queue.intake.enqueue(new := make_event("new"))
    assert (await mender.compare()).verdict is Verdict.REDIS_WENT_BACK
    await mender.halt()
    lease = await lease_of(redis_queue, "b")
    assert await redis_queue.worker.claim(lease, "0") is None
    plan = await mender.mend()

    assert {step.event.account_id: step.action for step in plan.steps} == {
        "done": MendAction.ENDS,
        "lost": MendAction.RETURNS,
    }
    assert [each.event.event_id for each in await living(redis_queue)] == [new.event_id, lost.event_id]
    await drain(redis_queue, audit)
    assert (await mender.compare()).verdict is Verdict.AGREES
    assert await statuses(audit, done.event_id, lost.event_id, new.event_id) == [
        EventStatus.COMPLETED,
        EventStatus.PENDING,
        EventStatus.PENDING,
    ]
    claimed = await redis_queue.worker.claim(lease, "0")
    assert claimed is not None
    assert claimed.event_id == new.event_id


async def test_nothing_is_claimed_and_no_order_written_down_during_a_halt(redis_queue: RedisQueue) -> None:
    """An attempt that was under way stops before its next order, and neither its end nor a free hand takes the next."""
    await redis_queue.intake.enqueue(event := make_event("DU1"))
    await redis_queue.intake.enqueue(make_event("DU2"))
    lease = await lease_of(redis_queue, "a")
    await redis_queue.worker.claim(lease, "0")
    await redis_queue.mending.halt("halted 1 2 words")

    with pytest.raises(QueueHalted, match="words"):
        await redis_queue.worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": "x"})
    assert await redis_queue.worker.complete(lease, "0", event, result={}, claim_next=True) is None
    assert await redis_queue.worker.claim(lease, "0") is None
    assert (await redis_queue.admin.status()).queue_length == 1


async def statuses(audit: PostgresAudit, *event_ids: UUID) -> list[EventStatus | None]:
    records = [await audit.get_event(event_id) for event_id in event_ids]
    return [record.status if record else None for record in records]


@pytest.mark.parametrize("is_replaced", [False, True], ids=["followed up", "replaced by a newer one"])
async def test_a_remembered_signal_that_history_has_dealt_with_follows_nobody_again(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender, *, is_replaced: bool
) -> None:
    """Redis goes back to where a newer signal was remembered; what became of it since is history, and stays so."""
    lease = await lease_of(redis_queue, "a")
    await redis_queue.intake.enqueue(make_event("DU1"))
    held = await redis_queue.worker.claim(lease, "0")
    assert held is not None
    await redis_queue.intake.enqueue(make_event("DU1"), remember_while_in_flight=True)
    old = await copy_of(redis_queue.client)
    if is_replaced:
        await redis_queue.intake.enqueue(make_event("DU1"), remember_while_in_flight=True)
    following = await redis_queue.worker.complete(lease, "0", held, result={}, claim_next=True)
    assert following is not None
    await redis_queue.worker.complete(lease, "0", following, result={}, claim_next=False)
    await drain(redis_queue, audit)

    await go_back(redis_queue.client, old)
    await mender.mend()

    assert await living(redis_queue) == []
    assert await redis_queue.mending.reruns() == {}


async def test_a_signal_that_came_after_the_loss_follows_the_event_that_history_ended(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """Nobody but Redis knows of it, and it was promised to become an event."""
    lease = await lease_of(redis_queue, "a")
    await redis_queue.intake.enqueue(make_event("DU1"))
    held = await redis_queue.worker.claim(lease, "0")
    assert held is not None
    old = await copy_of(redis_queue.client)
    await redis_queue.worker.complete(lease, "0", held, result={}, claim_next=False)
    await drain(redis_queue, audit)

    await go_back(redis_queue.client, old)
    newer = make_event("DU1")
    await redis_queue.intake.enqueue(newer, remember_while_in_flight=True)
    await mender.mend()

    assert [each.event.event_id for each in await living(redis_queue)] == [newer.event_id]


@pytest.mark.parametrize("has_ended", [True, False], ids=["that had ended", "that waits still"])
async def test_a_signal_during_a_halt_is_no_duplicate_of_an_event(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender, *, has_ended: bool
) -> None:
    """What waits in a Redis that went back may be over; as its duplicate the signal would go with it."""
    lease = await lease_of(redis_queue, "a")
    waiting = make_event("DU1")
    await redis_queue.intake.enqueue(waiting)
    await drain(redis_queue, audit)
    old = await copy_of(redis_queue.client)
    await redis_queue.intake.enqueue(make_event("DU2"))
    if has_ended:
        held = await redis_queue.worker.claim(lease, "0")
        assert held is not None
        await redis_queue.worker.complete(lease, "0", held, result={}, claim_next=False)
    await drain(redis_queue, audit)

    await go_back(redis_queue.client, old)
    await mender.halt()
    newer = make_event("DU1")
    await redis_queue.intake.enqueue(newer, remember_while_in_flight=True)
    await mender.mend()

    present = {each.event.event_id for each in await living(redis_queue)}
    followers = set((await redis_queue.mending.reruns()).values())
    assert (newer.event_id in present, waiting.event_id in present) == (has_ended, not has_ended)
    assert followers == (set() if has_ended else {newer.event_id})


JUNK: dict[str, dict[str, str]] = {
    "no event": {"event": "no event"},
    "no kind": {"event": "null", "kind": ""},
    "an event of odd parts": {"event": '{"event_id": [7]}'},
}


@pytest.mark.parametrize("name", JUNK)
@pytest.mark.parametrize("is_emptied", [False, True], ids=["gone back", "emptied"])
async def test_an_entry_that_makes_no_sense_keeps_no_redis_from_being_halted_and_put_right(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender, name: str, *, is_emptied: bool
) -> None:
    """It moves no event, and goes on to quarantine."""
    old: Copy = {} if is_emptied else await copy_of(redis_queue.client)
    await redis_queue.intake.enqueue(event := make_event("DU1"))
    await drain(redis_queue, audit)
    await go_back(redis_queue.client, old)
    number = await redis_queue.client.incr(redis_queue.keys.counter)
    good = {"n": number, "kind": "queued", "event": "null", "details": "{}", "due": ""}
    await redis_queue.client.xadd(redis_queue.keys.outbox, good | JUNK[name])

    await mender.halt()
    halt = await redis_queue.mending.halt_reason()
    await mender.mend()

    assert halt
    assert [each.event.event_id for each in await living(redis_queue)] == [event.event_id]
    await drain(redis_queue, audit)
    assert (await mender.compare()).verdict is Verdict.AGREES


async def test_an_event_that_cannot_be_read_keeps_no_redis_from_being_halted(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """Nothing may be traded on a Redis that went back, least of all when it cannot be put right."""
    await redis_queue.intake.enqueue(event := make_event("DU1"))
    old = await copy_of(redis_queue.client)
    await redis_queue.intake.enqueue(make_event("DU2"))
    await drain(redis_queue, audit)
    await go_back(redis_queue.client, old)
    await redis_queue.client.hset(redis_queue.keys.events, str(event.event_id), "no event")

    await mender.halt()

    assert (await redis_queue.mending.halt_reason()).startswith("halted 1 2 ")
    with pytest.raises(CorruptQueue, match="no event"):
        await mender.mend()


async def test_an_entry_without_a_number_is_named(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """It says nothing of where Redis stands, and is an operator's to remove."""
    await redis_queue.intake.enqueue(make_event("DU1"))
    await drain(redis_queue, audit)
    entry = await redis_queue.client.xadd(redis_queue.keys.outbox, {"some": "thing"})

    with pytest.raises(CorruptQueue, match=f"{entry}.*XDEL"):
        await mender.compare()
    await redis_queue.client.xdel(redis_queue.keys.outbox, entry)
    await mender.mend()

    assert (await mender.compare()).verdict is Verdict.AGREES


async def test_an_old_copy_that_is_ahead_in_numbers_is_found_out(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """Redis was emptied untold, history has a record of the new one, and the old one is restored: both pasts stay."""
    for name in ("first", "second", "third"):
        await redis_queue.intake.enqueue(make_event(name))
    old = await copy_of(redis_queue.client)
    await redis_queue.client.flushall()
    await redis_queue.intake.enqueue(make_event("new"))
    await drain(redis_queue, audit)

    await go_back(redis_queue.client, old)
    at_once = (await mender.compare()).verdict
    await redis_queue.intake.enqueue(make_event("since"))
    later = (await mender.compare()).verdict
    await mender.mend()

    assert (at_once, later) == (Verdict.REDIS_WENT_BACK, Verdict.REDIS_WENT_BACK)
    names = {each.event.account_id for each in await living(redis_queue)}
    assert names == {"first", "second", "third", "new", "since"}
    await drain(redis_queue, audit)
    assert (await mender.compare()).verdict is Verdict.AGREES
    assert {known.event.account_id for known in await audit.past.unfinished()} == names


async def test_what_was_parked_and_released_before_the_loss_is_claimed_again(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """Nobody would release it any more: the pause that it waited for is gone."""
    event = make_event("DU1")
    await redis_queue.intake.enqueue(event)
    lease = await lease_of(redis_queue, "a")
    await redis_queue.worker.claim(lease, "0")
    await redis_queue.trading.pause("DU1", actor="ops", reason="news")
    await redis_queue.worker.park(lease, "0", event, reason="paused")
    await redis_queue.trading.resume("DU1", actor="ops")
    await drain(redis_queue, audit)

    await go_back(redis_queue.client, {})
    await mender.mend()
    claimed = await redis_queue.worker.claim(await lease_of(redis_queue, "b"), "0")

    assert claimed is not None
    assert claimed.event_id == event.event_id


async def test_a_duplicate_that_made_an_event_younger_does_so_after_a_loss(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """The event says itself that it is old; history knows by which signal it was asked for again."""
    event = make_event("DU1")
    await redis_queue.intake.enqueue(event)
    await redis_queue.intake.enqueue(make_event("DU1"))
    await drain(redis_queue, audit)
    asked = await redis_queue.client.hgetall(redis_queue.keys.last_asked)

    await go_back(redis_queue.client, {})
    await mender.mend()

    age = await redis_queue.worker.age_of(event)
    assert age is not None
    assert age < HOUR < CLOCK.now() - event.created_at
    assert await redis_queue.client.hgetall(redis_queue.keys.last_asked) == asked


async def test_an_event_that_was_asked_for_since_the_loss_stays_young(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """What Redis was asked after it went back is newer than all that history knows."""
    await redis_queue.intake.enqueue(make_event("DU1"))
    await drain(redis_queue, audit)
    snapshot = await copy_of(redis_queue.client)
    await redis_queue.intake.enqueue(make_event("DU1"))
    await drain(redis_queue, audit)

    await go_back(redis_queue.client, snapshot)
    await redis_queue.intake.enqueue(make_event("DU1"))
    asked = await redis_queue.client.hgetall(redis_queue.keys.last_asked)
    await mender.mend()

    assert await redis_queue.client.hgetall(redis_queue.keys.last_asked) == asked


async def test_a_lost_event_that_is_refused_when_offered_again_ends_all_the_same(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """Its sender did not hear that it was taken in, and meanwhile the emptied Redis has taken a newer one in."""
    lost, newer = make_event("DU1"), make_event("DU1")
    await redis_queue.intake.enqueue(lost)
    await drain(redis_queue, audit)
    await go_back(redis_queue.client, {})
    await redis_queue.intake.enqueue(newer)
    refused = await redis_queue.intake.enqueue(lost)

    await mender.mend()
    await drain(redis_queue, audit)

    row = await audit.get_event(lost.event_id)
    assert isinstance(refused, Duplicate)
    assert row is not None
    assert [entry.kind for entry in row.history] == [
        AuditKind.QUEUED,
        AuditKind.DUPLICATE,
        AuditKind.RESTORED,
        AuditKind.DELETED,
    ]
    assert row.status is EventStatus.DELETED
    assert [each.event for each in await living(redis_queue)] == [newer]
