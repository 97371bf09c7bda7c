"""The wait of an idle worker, and the claim behind it."""

import asyncio
from datetime import timedelta

import pytest

from event_queue.errors import LeaseLost
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event

BOUND_SECONDS = 3
LONG = timedelta(seconds=5)
SHORT = timedelta(milliseconds=20)


async def enqueue(queue: RedisQueue, account: str) -> RebalanceEvent:
    event = make_event(account)
    await queue.intake.enqueue(event)
    return event


def waiting(queue: RedisQueue, lease: Lease, slot: str = "0") -> "asyncio.Task[RebalanceEvent | None]":
    return asyncio.create_task(queue.worker.await_event(lease, slot, at_most=LONG))


async def test_a_new_event_comes_with_the_end_of_the_wait(queue: RedisQueue, lease: Lease) -> None:
    """The wait ends long before its limit, and the event is in the slot."""
    async with asyncio.timeout(BOUND_SECONDS):
        wait = waiting(queue, lease)
        event = await enqueue(queue, "DU1")

        assert await wait == event
    assert await queue.worker.claim(lease, "0") == event


async def test_several_hands_get_an_event_each(queue: RedisQueue, lease: Lease) -> None:
    """Two events end two waits."""
    async with asyncio.timeout(BOUND_SECONDS):
        hands = [waiting(queue, lease, slot) for slot in ("0", "1")]
        events = {(await enqueue(queue, account)).event_id for account in ("DU1", "DU2")}
        claimed = await asyncio.gather(*hands)

    assert {event.event_id for event in claimed if event} == events


async def test_a_wait_without_an_event_ends_after_its_time(queue: RedisQueue, lease: Lease) -> None:
    """There is nothing to claim then."""
    assert await queue.worker.await_event(lease, "0", at_most=SHORT) is None


async def test_a_wait_can_be_ended_from_outside(queue: RedisQueue, lease: Lease) -> None:
    """As a worker does that is to stop."""
    async with asyncio.timeout(BOUND_SECONDS):
        wait = waiting(queue, lease)
        await queue.worker.wake()

        assert await wait is None


async def test_what_the_slot_holds_is_given_at_the_end_of_the_wait(queue: RedisQueue, lease: Lease) -> None:
    """Also when whoever claimed it never learned of it."""
    event = await enqueue(queue, "DU1")
    await queue.worker.claim(lease, "0")

    assert await queue.worker.await_event(lease, "0", at_most=SHORT) == event


async def test_a_wait_that_outlives_the_lease_claims_nothing(queue: RedisQueue, lease: Lease) -> None:
    """The event is there for the next worker, untouched."""
    async with asyncio.timeout(BOUND_SECONDS):
        wait = waiting(queue, lease)
        await queue.worker.release_lease(lease)
        event = await enqueue(queue, "DU1")
        with pytest.raises(LeaseLost):
            await wait

    successor = await queue.worker.acquire_lease("worker-b", ttl=LONG)
    assert isinstance(successor, Lease)
    assert await queue.worker.recover(successor, repeat_pause=LONG) == []
    assert await queue.worker.claim(successor, "0") == event


async def test_a_halted_queue_gives_nothing_at_the_end_of_the_wait(queue: RedisQueue, lease: Lease) -> None:
    """A token may come all the same."""
    await queue.mending.halt("halted by the test")
    async with asyncio.timeout(BOUND_SECONDS):
        wait = waiting(queue, lease)
        await enqueue(queue, "DU1")

        assert await wait is None


async def test_a_wait_that_is_given_up_loses_no_event(queue: RedisQueue, lease: Lease) -> None:
    """Whether or not Redis has noticed when the event comes."""
    wait = waiting(queue, lease)
    await asyncio.wait({wait}, timeout=0.05)
    wait.cancel()
    event = await enqueue(queue, "DU1")
    await asyncio.gather(wait, return_exceptions=True)

    assert await queue.worker.claim(lease, "0") == event
