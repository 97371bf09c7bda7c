"""What operators see and do."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from event_queue.errors import CorruptQueue
from event_queue.events import RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.outcomes import Deleted, Duplicate, EventState, InProgress, Lease, LivingEvent, NotFound, Queued
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event

MINUTE = timedelta(minutes=1)
FAR_FUTURE = datetime(2100, 1, 1, tzinfo=UTC)


async def three_states(queue: RedisQueue, lease: Lease) -> list[RebalanceEvent]:
    """One event in work, two waiting, one set aside; in the order in which they will run."""
    events = [make_event(account) for account in ("DU4", "DU1", "DU2", "DU3")]
    for event in events:
        await queue.intake.enqueue(event)
    aside, working, *waiting = events
    await queue.worker.claim(lease, "0")
    await queue.worker.requeue(lease, "0", aside, pause=MINUTE, error="", result={})
    await queue.worker.claim(lease, "0")
    return [working, *waiting, aside.requeued()]


async def test_status_counts_each_place(queue: RedisQueue, lease: Lease) -> None:
    """Waiting, working and delayed events are counted apart, active ones together; the clock is that of Redis."""
    working, *_ = await three_states(queue, lease)
    await queue.client.execute_command("ZINCRBY", queue.keys.ages, -60_000, str(working.event_id))

    status = await queue.admin.status()

    assert (status.queue_length, status.processing, status.delayed) == (2, 1, 1)
    assert (status.active_events_count, status.events_with_retries) == (4, 1)
    assert status.outbox_length == 7
    assert 60 <= status.oldest_event_age_seconds < 120


async def test_the_age_of_a_living_event_is_measured_by_redis(queue: RedisQueue) -> None:
    """Not by the time that the event names, which is another clock's; of an event that is gone nobody knows it."""
    event = make_event(created_at=FAR_FUTURE)
    await queue.intake.enqueue(event)
    await queue.client.execute_command("ZINCRBY", queue.keys.ages, -60_000, str(event.event_id))

    age = await queue.worker.age_of(event)
    await queue.admin.delete(event.event_id, actor="test")

    assert age is not None
    assert MINUTE <= age < 2 * MINUTE
    assert await queue.worker.age_of(event) is None


async def test_an_event_is_as_old_as_the_latest_signal_that_asked_for_it(queue: RedisQueue) -> None:
    """A duplicate asks for its twin again, once however often it is told; the queue's oldest event stays the oldest."""
    event = make_event()
    await queue.intake.enqueue(event)
    await queue.client.execute_command("ZINCRBY", queue.keys.ages, -60_000, str(event.event_id))
    repeated, message = make_event(), InboundMessage("growth", "m1")
    assert await queue.intake.enqueue(repeated, message=message) == Duplicate(event.event_id)

    age = await queue.worker.age_of(event)
    asked = await queue.client.hgetall(queue.keys.last_asked)
    await queue.client.hset(queue.keys.last_asked, event.dedup_key, f"{event.event_id} 1")
    for again in (repeated, make_event()):
        await queue.intake.enqueue(again, message=message)
    told_again = await queue.worker.age_of(event)

    assert set(asked) == {event.dedup_key}
    assert age is not None
    assert age < MINUTE
    assert told_again is not None
    assert told_again >= MINUTE
    assert (await queue.admin.status()).oldest_event_age_seconds >= 60


async def test_what_was_asked_of_an_event_makes_none_after_it_younger(queue: RedisQueue) -> None:
    """The next event of the pair has an age of its own."""
    first, second = make_event(), make_event()
    await queue.intake.enqueue(first)
    await queue.intake.enqueue(make_event())
    await queue.admin.delete(first.event_id, actor="test")
    await queue.intake.enqueue(second)
    await queue.client.execute_command("ZINCRBY", queue.keys.ages, -60_000, str(second.event_id))

    age = await queue.worker.age_of(second)

    assert age is not None
    assert age >= MINUTE


async def test_an_empty_queue_has_no_age(queue: RedisQueue) -> None:
    """Without events every counter is zero."""
    status = await queue.admin.status()

    assert (status.active_events_count, status.oldest_event_age_seconds) == (0, 0)


async def test_events_are_listed_in_the_order_in_which_they_will_run(queue: RedisQueue, lease: Lease) -> None:
    """The one in work, then the waiting ones, then the delayed ones."""
    expected = await three_states(queue, lease)

    listed = await queue.admin.list_events(100)

    assert [living.event for living in listed] == expected
    assert [living.state for living in listed] == [
        EventState.PROCESSING,
        EventState.WAITING,
        EventState.WAITING,
        EventState.DELAYED,
    ]
    assert [living.due_at is not None for living in listed] == [False, False, False, True]


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4, 5])
async def test_a_listing_stops_at_its_limit(queue: RedisQueue, lease: Lease, limit: int) -> None:
    """The limit cuts the end of the order, never its beginning."""
    expected = await three_states(queue, lease)

    listed = await queue.admin.list_events(limit)

    assert [living.event for living in listed] == expected[:limit]


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
async def test_a_listing_goes_on_where_it_stopped(queue: RedisQueue, lease: Lease, limit: int) -> None:
    """Page by page comes what one listing tells at once, and nothing behind its end."""
    expected = await three_states(queue, lease)

    pages = [await queue.admin.list_events(limit, offset=offset) for offset in range(0, 4, limit)]
    behind = [await queue.admin.list_events(limit, offset=offset) for offset in (4, 5, 1_000_000_000)]

    assert [living.event for page in pages for living in page] == expected
    assert behind == [()] * 3


async def test_one_event_is_found_wherever_it_is(queue: RedisQueue, lease: Lease) -> None:
    """The event is told with its place."""
    working, waiting, _, aside = await three_states(queue, lease)

    found = [await queue.admin.get_event(event.event_id) for event in (working, waiting, aside)]

    assert [living and (living.event, living.state) for living in found] == [
        (working, EventState.PROCESSING),
        (waiting, EventState.WAITING),
        (aside, EventState.DELAYED),
    ]
    assert await queue.admin.get_event(uuid4()) is None


async def test_a_waiting_and_a_delayed_event_can_be_removed(queue: RedisQueue, lease: Lease) -> None:
    """Removing frees the pair for a new event."""
    _, waiting, _, aside = await three_states(queue, lease)

    outcomes = [await queue.admin.delete(event.event_id, actor="test") for event in (waiting, aside)]

    assert outcomes == [Deleted(waiting), Deleted(aside)]
    assert isinstance(await queue.intake.enqueue(make_event(waiting.account_id)), Queued)
    assert (await queue.admin.status()).events_with_retries == 0


async def test_an_event_in_work_cannot_be_removed(queue: RedisQueue, lease: Lease) -> None:
    """The worker keeps what it has in its hands."""
    working, *_ = await three_states(queue, lease)
    before = await queue.admin.status()

    outcome = await queue.admin.delete(working.event_id, actor="test")

    assert outcome == InProgress()
    assert await queue.admin.status() == before


async def test_removing_what_is_not_there_says_so(queue: RedisQueue) -> None:
    """An id that is unknown, or removed already, is not found."""
    event = make_event()
    await queue.intake.enqueue(event)
    await queue.admin.delete(event.event_id, actor="test")

    outcomes = [await queue.admin.delete(event_id, actor="test") for event_id in (event.event_id, uuid4())]

    assert outcomes == [NotFound(), NotFound()]


async def test_removing_an_event_keeps_the_signal_that_came_after_it(queue: RedisQueue, lease: Lease) -> None:
    """A newer signal remembered during an attempt that failed is queued when the operator removes the event."""
    first, newer = make_event(), make_event()
    await queue.intake.enqueue(first)
    await queue.worker.claim(lease, "0")
    await queue.intake.enqueue(newer, message=InboundMessage("c", "m"), remember_while_in_flight=True)
    await queue.worker.requeue(lease, "0", first, pause=MINUTE, error="", result={})

    await queue.admin.delete(first.event_id, actor="test")

    assert list(await queue.admin.list_events(10)) == [LivingEvent(newer, EventState.WAITING)]


async def test_the_start_check_accepts_the_queue_and_refuses_strangers(queue: RedisQueue, lease: Lease) -> None:
    """Every key of a queue in use has its type; a key of another type is named."""
    await three_states(queue, lease)
    await queue.verify()

    await queue.client.execute_command("DEL", queue.keys.delayed)
    await queue.client.execute_command("SET", queue.keys.delayed, "x")

    with pytest.raises(CorruptQueue, match="delayed_events is a string"):
        await queue.verify()


async def test_redis_answers_a_ping(queue: RedisQueue) -> None:
    """A living Redis raises nothing."""
    await queue.admin.ping()
