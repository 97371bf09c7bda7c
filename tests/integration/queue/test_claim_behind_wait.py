"""The claim behind a worker's wait, when something happens to one of them."""

import asyncio
from datetime import timedelta

import pytest

from event_queue.audit import AuditKind
from event_queue.errors import CorruptQueue, QueueUnavailable
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.testing.events import make_event
from event_queue.testing.lossy_proxy import LossyProxy
from event_queue.testing.redis_server import running_redis

pytestmark = pytest.mark.integration

BOUND_SECONDS = 4
"""Shorter than a wait of which nobody is woken."""
LONG = timedelta(seconds=5)
MINUTE = timedelta(minutes=1)

Wait = asyncio.Task[RebalanceEvent | None]


async def wait_blocked(queue: RedisQueue, lease: Lease, *, seen_by: RedisQueue | None = None) -> Wait:
    """A wait that Redis has begun, after an empty claim, as in a worker."""
    assert await queue.worker.claim(lease, "0") is None
    wait = asyncio.create_task(queue.worker.await_event(lease, "0", at_most=LONG))
    while not (await (seen_by or queue).client.info("clients"))["blocked_clients"]:
        await asyncio.wait({wait}, timeout=0.01)
    return wait


async def enqueue(queue: RedisQueue) -> RebalanceEvent:
    event = make_event("DU1")
    await queue.intake.enqueue(event)
    return event


async def kinds(queue: RedisQueue) -> list[AuditKind]:
    records = await queue.outbox.read("0-0", limit=100, block=timedelta(milliseconds=1))
    return [record.kind for record in records]


async def test_the_claim_is_made_before_the_worker_knows_that_it_was_woken(
    redis_queue: RedisQueue, lease: Lease
) -> None:
    """Once the event is acknowledged it is in the slot, though nobody has read a reply yet."""
    wait = await wait_blocked(redis_queue, lease)

    event = await enqueue(redis_queue)

    assert await redis_queue.client.hget(redis_queue.keys.in_flight, "0") == str(event.event_id)
    assert await wait == event


async def test_a_script_that_redis_forgot_meanwhile_is_brought_again(redis_queue: RedisQueue, lease: Lease) -> None:
    """The claim behind the wait cannot run then; it is sent once more, whole."""
    wait = await wait_blocked(redis_queue, lease)
    await redis_queue.client.script_flush()

    event = await enqueue(redis_queue)

    assert await wait == event
    assert await kinds(redis_queue) == [AuditKind.QUEUED, AuditKind.CLAIMED]


async def test_a_claim_whose_reply_is_lost_is_found_at_once(
    redis_queue: RedisQueue, far_queue: RedisQueue, proxy: LossyProxy, lease: Lease
) -> None:
    """It is not waited for again: nothing would end that wait."""
    async with asyncio.timeout(BOUND_SECONDS):
        wait = await wait_blocked(far_queue, lease, seen_by=redis_queue)
        proxy.lose_next_reply()
        event = await enqueue(redis_queue)

        assert await wait == event
    assert proxy.lost == 1
    assert await kinds(redis_queue) == [AuditKind.QUEUED, AuditKind.CLAIMED]


async def test_a_redis_that_goes_away_during_the_wait_is_unavailable() -> None:
    """And the next wait, once it is back, ends with the event."""
    with running_redis() as server:
        async with open_redis(server.address) as queue:
            lease = await queue.worker.acquire_lease("worker-a", ttl=MINUTE)
            assert isinstance(lease, Lease)
            wait = await wait_blocked(queue, lease)
            server.kill()
            with pytest.raises(QueueUnavailable):
                await wait

            server.start()
            async with asyncio.timeout(BOUND_SECONDS):
                wait = await wait_blocked(queue, lease)
                event = await enqueue(queue)

                assert await wait == event


async def test_a_strangers_key_in_place_of_the_tokens_is_told(redis_queue: RedisQueue, lease: Lease) -> None:
    """The wait fails at once then, and must not be repeated without end and unseen."""
    await redis_queue.worker.claim(lease, "0")
    await redis_queue.client.set(redis_queue.keys.wake, "a stranger's")

    with pytest.raises(CorruptQueue):
        await redis_queue.worker.await_event(lease, "0", at_most=LONG)


async def test_a_claim_after_its_wait_was_given_up_is_recovered(redis_queue: RedisQueue, lease: Lease) -> None:
    """The worst that a cancellation can leave: Redis sees the event before it sees that the connection is closed."""
    wait = await wait_blocked(redis_queue, lease)
    event = make_event("DU1")
    await redis_queue.intake.enqueue(event)
    wait.cancel()
    await asyncio.gather(wait, return_exceptions=True)

    successor = await redis_queue.worker.acquire_lease("worker-b", ttl=MINUTE, presumed_dead=lease.token)

    assert isinstance(successor, Lease)
    recovered = await redis_queue.worker.recover(successor, repeat_pause=MINUTE)
    assert recovered == [event.requeued()]
    assert await redis_queue.worker.claim(successor, "0") == event.requeued()
