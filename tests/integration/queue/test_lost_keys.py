"""Redis loses single keys, as eviction makes it: noticed at once, and put right from history."""

from datetime import timedelta

import pytest

from event_queue.errors import CorruptQueue, QueueMoving
from event_queue.events import RebalanceEvent
from event_queue.mend_plan import MendAction
from event_queue.mender import Mender
from event_queue.one_past import Verdict
from event_queue.outcomes import Deleted, InProgress, Lease, Queued
from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event
from event_queue.testing.invariants import check_with_history
from event_queue.testing.lost_redis import carry, history_of

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
KEYS = ("queue", "events", "active", "delayed", "in_flight", "ages")


@pytest.fixture
def mender(redis_queue: RedisQueue, audit: PostgresAudit) -> Mender:
    """What an operator's resync uses."""
    return Mender(redis_queue.mending, audit.past)


async def everywhere(queue: RedisQueue, lease: Lease) -> list[RebalanceEvent]:
    """One event in work, one put aside, one parked, and two in line."""
    events = [make_event(f"DU{number}") for number in range(5)]
    for event in events:
        await queue.intake.enqueue(event)
    for event in events[:2]:
        await queue.worker.claim(lease, "0")
        if event is events[0]:
            await queue.worker.requeue(lease, "0", event, pause=HOUR, error="x", result={})
        else:
            await queue.trading.pause(event.account_id, actor="ops", reason="news")
            await queue.worker.park(lease, "0", event, reason="news")
    await queue.worker.claim(lease, "0")
    return events


@pytest.mark.parametrize("lost", KEYS)
async def test_each_lost_key_is_noticed_and_put_right(
    redis_queue: RedisQueue, audit: PostgresAudit, lease: Lease, mender: Mender, postgres_dsn: str, lost: str
) -> None:
    """Every event is there again, once and in its place; what was in work counts one more attempt."""
    events = await everywhere(redis_queue, lease)
    await carry(redis_queue, audit)
    await redis_queue.client.delete(getattr(redis_queue.keys, lost))

    seen = await mender.compare()
    planned = await mender.plan()
    done = await mender.mend()
    await carry(redis_queue, audit)

    assert (seen.verdict, seen.needs_mending) == (Verdict.KEYS_LOST, True)
    assert {step.action for step in planned.steps} == {MendAction.RETURNS}
    assert planned.steps == done.steps
    await check_with_history(redis_queue.client, redis_queue.keys, await history_of(postgres_dsn))
    living = {each.event.event_id: each for each in await redis_queue.admin.list_events(10)}
    assert set(living) == {event.event_id for event in events}
    assert [living[event.event_id].event.times_queued for event in events] == [2, 1, 2, 1, 1]
    assert living[events[1].event_id].is_parked
    assert (await mender.compare()).verdict is Verdict.AGREES
    assert await redis_queue.mending.halt_reason() == ""


async def test_a_part_of_a_key_counts_too(redis_queue: RedisQueue, lease: Lease, mender: Mender) -> None:
    """An event taken out of the line alone is lost as well."""
    events = await everywhere(redis_queue, lease)

    await redis_queue.client.lrem(redis_queue.keys.queue, 0, str(events[4].event_id))

    assert (await mender.compare()).verdict is Verdict.KEYS_LOST


async def test_what_a_stranger_adds_is_no_loss(redis_queue: RedisQueue, lease: Lease, mender: Mender) -> None:
    """An id in the line, or a pair without its event, is passed over when its turn comes; both tell of lost events."""
    await everywhere(redis_queue, lease)
    client, keys = redis_queue.client, redis_queue.keys
    verdicts: list[Verdict] = []

    await client.lpush(keys.queue, "a stranger's")
    verdicts.append((await mender.compare()).verdict)
    await client.lrem(keys.queue, 0, "a stranger's")
    await client.hset(keys.active, "DU9:rebalance", "a stranger's")
    verdicts.append((await mender.compare()).verdict)
    await client.delete(keys.events, keys.ages)
    verdicts.append((await mender.compare()).verdict)

    assert verdicts == [Verdict.AGREES, Verdict.AGREES, Verdict.KEYS_LOST]


async def test_nothing_is_cleared_before_history_holds_every_record(
    redis_queue: RedisQueue, audit: PostgresAudit, lease: Lease, mender: Mender
) -> None:
    """What only Redis has recorded would be lost; trading halts all the same, and new events are taken in."""
    await everywhere(redis_queue, lease)
    await redis_queue.client.delete(redis_queue.keys.delayed)

    with pytest.raises(QueueMoving, match="does not hold all"):
        await mender.mend()
    halt = await redis_queue.mending.halt_reason()
    taken_in = await redis_queue.intake.enqueue(newest := make_event("DU9"))
    await carry(redis_queue, audit)
    await mender.mend()

    assert halt.startswith("lacking ")
    assert taken_in == Queued(newest)
    assert len(await redis_queue.admin.list_events(10)) == 6


async def test_an_event_that_is_nowhere_can_be_deleted(redis_queue: RedisQueue, lease: Lease) -> None:
    """One in work cannot; of one whose place is lost nobody can say that it is."""
    events = await everywhere(redis_queue, lease)
    await redis_queue.client.delete(redis_queue.keys.queue)

    nowhere = await redis_queue.admin.delete(events[4].event_id, actor="ops")
    in_work = await redis_queue.admin.delete(events[2].event_id, actor="ops")

    assert nowhere == Deleted(events[4])
    assert in_work == InProgress()


async def test_a_slot_without_an_event_stops_no_worker(
    redis_queue: RedisQueue, audit: PostgresAudit, lease: Lease, mender: Mender
) -> None:
    """Neither the next claim nor a new worker; what was lost comes back from history, a stranger's id does not."""
    await everywhere(redis_queue, lease)
    await carry(redis_queue, audit)
    await redis_queue.client.hset(redis_queue.keys.in_flight, "1", "a stranger's")
    claimed = await redis_queue.worker.claim(lease, "1")
    await redis_queue.client.delete(redis_queue.keys.events)
    await redis_queue.client.hset(redis_queue.keys.in_flight, "7", "a stranger's")

    recovered = await redis_queue.worker.recover(lease, repeat_pause=HOUR)
    await carry(redis_queue, audit)
    await mender.mend()

    assert claimed is not None
    assert recovered == []
    assert len(await redis_queue.admin.list_events(10)) == 5
    assert await redis_queue.client.hgetall(redis_queue.keys.in_flight) == {}


async def test_a_rebuild_beside_what_is_left_puts_no_event_in_line_twice(
    redis_queue: RedisQueue, audit: PostgresAudit, lease: Lease, mender: Mender, postgres_dsn: str
) -> None:
    """Bodies and the counter of records are lost at one time, so that Redis passes for an emptied one."""
    await everywhere(redis_queue, lease)
    await carry(redis_queue, audit)
    await redis_queue.client.delete(redis_queue.keys.events, redis_queue.keys.counter)

    seen = await mender.compare()
    await mender.mend()
    await carry(redis_queue, audit)

    assert seen.verdict is Verdict.REDIS_LOST
    await check_with_history(redis_queue.client, redis_queue.keys, await history_of(postgres_dsn))


async def test_an_event_without_its_body_does_not_end_unrecorded(
    redis_queue: RedisQueue, audit: PostgresAudit, lease: Lease, mender: Mender
) -> None:
    """The worker's step is refused whole, and the numbers of the records keep no gap."""
    events = await everywhere(redis_queue, lease)
    await redis_queue.client.delete(redis_queue.keys.events)

    with pytest.raises(CorruptQueue):
        await redis_queue.worker.complete(lease, "0", events[2], result={}, claim_next=False)
    await carry(redis_queue, audit)
    await mender.mend()

    assert len(await redis_queue.admin.list_events(10)) == 5
