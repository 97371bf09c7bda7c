"""The worker's side: order, endings, pauses, recovery."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from event_queue.audit import AuditKind
from event_queue.errors import LeaseLost
from event_queue.events import RebalanceEvent
from event_queue.outcomes import EventState, Lease
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event

AT_ONCE = timedelta(milliseconds=1)
NO_PAUSE = timedelta()
HOUR = timedelta(hours=1)
FAR_FUTURE = datetime(2100, 1, 1, tzinfo=UTC)


async def enqueue(queue: RedisQueue, *accounts: str) -> list[RebalanceEvent]:
    events = [make_event(account) for account in accounts]
    for event in events:
        await queue.intake.enqueue(event)
    return events


async def kinds(queue: RedisQueue) -> list[AuditKind]:
    return [record.kind for record in await queue.outbox.read("0-0", limit=1000, block=AT_ONCE)]


async def test_events_are_claimed_in_the_order_of_their_coming(queue: RedisQueue, lease: Lease) -> None:
    """First in, first out, each ending with the claim of the next."""
    first, second = await enqueue(queue, "DU1", "DU2")

    claimed = [await queue.worker.claim(lease, "0")]
    claimed.append(await queue.worker.complete(lease, "0", first, result={}, claim_next=True))
    claimed.append(await queue.worker.complete(lease, "0", second, result={}, claim_next=True))

    assert claimed == [first, second, None]
    assert (await queue.admin.status()).active_events_count == 0


async def test_a_slot_keeps_its_event_until_the_event_ends(queue: RedisQueue, lease: Lease) -> None:
    """Claiming again gives the same event; another slot gets the next one."""
    first, second = await enqueue(queue, "DU1", "DU2")

    claimed = [await queue.worker.claim(lease, slot) for slot in ("0", "0", "1")]

    assert claimed == [first, first, second]


async def test_completing_twice_ends_one_event(queue: RedisQueue, lease: Lease) -> None:
    """The repetition of a completed step answers with what the slot holds by then."""
    first, second = await enqueue(queue, "DU1", "DU2")
    await queue.worker.claim(lease, "0")

    answers = [await queue.worker.complete(lease, "0", first, result={}, claim_next=True) for _ in range(2)]

    assert answers == [second, second]
    assert (await kinds(queue)).count(AuditKind.COMPLETED) == 1


async def test_an_event_may_end_without_claiming_the_next(queue: RedisQueue, lease: Lease) -> None:
    """A worker that is closing down finishes its event and takes no other."""
    first, _ = await enqueue(queue, "DU1", "DU2")
    await queue.worker.claim(lease, "0")

    answer = await queue.worker.complete(lease, "0", first, result={}, claim_next=False)

    assert answer is None
    assert (await queue.admin.status()).processing == 0


async def test_a_skipped_event_ends_under_its_own_name(queue: RedisQueue, lease: Lease) -> None:
    """Skipping frees the pair as completing does."""
    (event,) = await enqueue(queue, "DU1")
    await queue.worker.claim(lease, "0")

    await queue.worker.skip(lease, "0", event, result={"why": "nothing to do"}, claim_next=False)

    assert (await kinds(queue))[-1] is AuditKind.SKIPPED
    assert await queue.admin.get_event(event.event_id) is None


async def test_a_failed_event_goes_behind_everything(queue: RedisQueue, lease: Lease) -> None:
    """Requeued without a pause, it runs after all that waited, counted once more, its data unchanged."""
    first, second, third = await enqueue(queue, "DU1", "DU2", "DU3")
    await queue.worker.claim(lease, "0")

    for _ in range(2):
        await queue.worker.requeue(lease, "0", first, pause=NO_PAUSE, error="refused", result={})
    order = [await queue.worker.claim(lease, "0")]
    order += [await queue.worker.complete(lease, "0", event, result={}, claim_next=True) for event in (second, third)]

    assert order == [second, third, first.requeued()]
    assert (await queue.admin.status()).events_with_retries == 1


async def test_a_paused_event_runs_after_its_pause_and_not_before(queue: RedisQueue, lease: Lease) -> None:
    """A pause keeps the event aside while others run; the wait ends when it is due."""
    paused, other = await enqueue(queue, "DU1", "DU2")
    await queue.worker.claim(lease, "0")
    await queue.worker.requeue(lease, "0", paused, pause=timedelta(milliseconds=150), error="no gateway", result={})

    meanwhile = await queue.worker.claim(lease, "0")
    early = await queue.worker.complete(lease, "0", other, result={}, claim_next=True)
    late: RebalanceEvent | None = None
    async with asyncio.timeout(3):
        while late is None:
            late = await queue.worker.await_event(lease, "0", at_most=timedelta(seconds=2))

    assert meanwhile == other
    assert early is None
    assert late == paused.requeued()


async def test_a_delayed_event_is_not_an_attempt(queue: RedisQueue, lease: Lease) -> None:
    """Put aside until the market opens, it stays as it was and is listed with its time."""
    (event,) = await enqueue(queue, "DU1")
    await queue.worker.claim(lease, "0")

    for _ in range(2):
        await queue.worker.delay(lease, "0", event, until=FAR_FUTURE, reason="market closed")

    living = await queue.admin.get_event(event.event_id)
    assert living is not None
    assert (living.event, living.state, living.due_at) == (event, EventState.DELAYED, FAR_FUTURE)
    assert (await kinds(queue)).count(AuditKind.DELAYED) == 1


async def test_due_events_join_in_the_order_of_their_times(queue: RedisQueue, lease: Lease) -> None:
    """Several pauses that have ended are promoted oldest first, behind what waits already."""
    later, sooner, waiting = await enqueue(queue, "DU1", "DU2", "DU3")
    for slot in ("0", "1"):
        await queue.worker.claim(lease, slot)
    await queue.worker.delay(lease, "0", later, until=datetime(2025, 1, 2, tzinfo=UTC), reason="test")
    await queue.worker.delay(lease, "1", sooner, until=datetime(2025, 1, 1, tzinfo=UTC), reason="test")

    order = [await queue.worker.claim(lease, slot) for slot in ("0", "1", "2")]

    assert order == [waiting, sooner, later]


async def test_promotion_is_bounded_and_forgets_nobody(queue: RedisQueue, lease: Lease) -> None:
    """One claim promotes a hundred due events at most; the next claims promote the rest."""
    for number in range(103):
        await enqueue(queue, f"DU{number}")
        held = await queue.worker.claim(lease, str(number))
        assert held is not None
    for slot in range(103):
        held = await queue.worker.claim(lease, str(slot))
        assert held is not None
        await queue.worker.delay(lease, str(slot), held, until=datetime(2025, 1, 1, tzinfo=UTC), reason="test")

    aside: list[int] = []
    for slot in ("a", "b"):
        await queue.worker.claim(lease, slot)
        aside.append((await queue.admin.status()).delayed)

    assert aside == [3, 0]


async def test_a_record_is_added_once_and_moves_nothing(queue: RedisQueue, lease: Lease) -> None:
    """Repeating a record of the same attempt adds nothing; other details do."""
    (event,) = await enqueue(queue, "DU1")
    await queue.worker.claim(lease, "0")

    for reference in ("a", "a", "b"):
        await queue.worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": reference})

    assert (await kinds(queue)).count(AuditKind.ORDER_INTENT) == 2
    assert await queue.worker.claim(lease, "0") == event


async def test_a_record_about_an_event_not_in_hand_is_refused(queue: RedisQueue, lease: Lease) -> None:
    """Nothing can be told of an event that the slot does not hold."""
    (event,) = await enqueue(queue, "DU1")

    with pytest.raises(LeaseLost, match="no longer holds"):
        await queue.worker.record(lease, "0", event, AuditKind.FILL, {})


async def test_what_a_dead_worker_held_goes_to_the_back(queue: RedisQueue, lease: Lease) -> None:
    """Recovered events run after those that waited, counted as one more attempt."""
    held, waiting = await enqueue(queue, "DU1", "DU2")
    await queue.worker.claim(lease, "0")
    heir = await queue.worker.acquire_lease("worker-b", ttl=HOUR, presumed_dead=lease.token)
    assert isinstance(heir, Lease)

    recovered = await queue.worker.recover(heir, repeat_pause=HOUR)
    order = [await queue.worker.claim(heir, slot) for slot in ("0", "1")]

    assert list(recovered) == [held.requeued()]
    assert order == [waiting, held.requeued()]


async def test_the_third_recovery_pauses(queue: RedisQueue, lease: Lease) -> None:
    """An event that kills its worker again and again is set aside so that the others run."""
    (event,) = await enqueue(queue, "DU1")

    states: list[EventState] = []
    for _ in range(3):
        await queue.worker.claim(lease, "0")
        await queue.worker.recover(lease, repeat_pause=HOUR)
        living = await queue.admin.get_event(event.event_id)
        assert living is not None
        states.append(living.state)

    assert states == [EventState.WAITING, EventState.WAITING, EventState.DELAYED]


async def test_stale_wake_ups_do_not_spin(queue: RedisQueue, lease: Lease) -> None:
    """After an empty claim no token of earlier events is left to wake anybody."""
    events = await enqueue(queue, "DU1", "DU2", "DU3")
    await queue.worker.claim(lease, "0")
    for event in events:
        await queue.worker.complete(lease, "0", event, result={}, claim_next=True)

    assert await queue.client.execute_command("LLEN", queue.keys.wake) == 0
