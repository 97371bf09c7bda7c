"""There is one worker, and a late one changes nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from event_queue.audit import AuditKind
from event_queue.errors import LeaseLost
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease, LeaseHeld
from event_queue.redis_queue import RedisQueue
from event_queue.redis_worker import RedisWorkerQueue
from event_queue.testing.events import make_event

MINUTE = timedelta(minutes=1)
Write = Callable[[RedisWorkerQueue, Lease, RebalanceEvent], Awaitable[object]]

WRITES: dict[str, Write] = {
    "renew": lambda worker, lease, _: worker.renew_lease(lease),
    "recover": lambda worker, lease, _: worker.recover(lease, repeat_pause=MINUTE),
    "claim": lambda worker, lease, _: worker.claim(lease, "0"),
    "complete": lambda worker, lease, event: worker.complete(lease, "0", event, result={}, claim_next=True),
    "skip": lambda worker, lease, event: worker.skip(lease, "0", event, result={}, claim_next=True),
    "requeue": lambda worker, lease, event: worker.requeue(lease, "0", event, pause=MINUTE, error="", result={}),
    "delay": lambda worker, lease, event: worker.delay(
        lease, "0", event, until=datetime(2100, 1, 1, tzinfo=UTC), reason=""
    ),
    "park": lambda worker, lease, event: worker.park(lease, "0", event, reason=""),
    "record": lambda worker, lease, event: worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {}),
    "record_fill": lambda worker, lease, event: worker.record_fill(
        lease, event.event_id, "DU1", {}, trading_day=date(2099, 1, 2)
    ),
}


async def test_the_lease_has_one_holder(queue: RedisQueue, lease: Lease) -> None:
    """A second holder is told who has it and for how long."""
    outcome = await queue.worker.acquire_lease("worker-b", ttl=MINUTE)

    assert isinstance(outcome, LeaseHeld)
    assert outcome.token == lease.token == "worker-a:1"
    assert 0 < outcome.remaining_ms <= 60_000


async def test_asking_again_gives_the_same_lease(queue: RedisQueue, lease: Lease) -> None:
    """The holder's own repetition neither fails nor raises the fence."""
    assert await queue.worker.acquire_lease("worker-a", ttl=MINUTE) == lease


async def test_a_released_lease_is_free_and_the_fence_grows(queue: RedisQueue, lease: Lease) -> None:
    """Each new holder is told apart from all before it."""
    await queue.worker.release_lease(lease)

    heir = await queue.worker.acquire_lease("worker-b", ttl=MINUTE)

    assert heir == Lease(token="worker-b:2", fence=2, ttl_ms=60_000)


async def test_only_the_token_presumed_dead_can_be_taken_from(queue: RedisQueue, lease: Lease) -> None:
    """A takeover names the token it replaces; a wrong name takes nothing."""
    wrong = await queue.worker.acquire_lease("worker-b", ttl=MINUTE, presumed_dead="worker-a:7")
    right = await queue.worker.acquire_lease("worker-b", ttl=MINUTE, presumed_dead=lease.token)

    assert isinstance(wrong, LeaseHeld)
    assert isinstance(right, Lease)
    assert right.fence == 2


async def test_a_late_release_leaves_the_heir_alone(queue: RedisQueue, lease: Lease) -> None:
    """Giving up a lost lease is harmless."""
    heir = await queue.worker.acquire_lease("worker-b", ttl=MINUTE, presumed_dead=lease.token)
    assert isinstance(heir, Lease)

    await queue.worker.release_lease(lease)

    await queue.worker.renew_lease(heir)


async def test_an_emptied_redis_says_that_it_may_have_forgotten_somebody(queue: RedisQueue, lease: Lease) -> None:
    """Until a holder vouches for it, who has found that nobody else counts on a lease."""
    await queue.worker.renew_lease(lease)
    unproven = await _next_holder(queue, "worker-b", lease)
    await queue.worker.renew_lease(replace(unproven, is_sole=True))
    proven = await _next_holder(queue, "worker-c", unproven)
    await queue.client.flushall()
    emptied = await queue.worker.acquire_lease("worker-d", ttl=MINUTE)

    assert isinstance(emptied, Lease)
    assert [each.is_sole for each in (lease, unproven, proven, emptied)] == [False, False, True, False]


async def test_a_holder_never_gets_one_token_twice(queue: RedisQueue, lease: Lease) -> None:
    """What it wrote under a lease that Redis has forgotten must not pass for work under its next one."""
    assert lease.token == "worker-a:1"
    await queue.client.flushall()

    again = await queue.worker.acquire_lease("worker-a", ttl=MINUTE)

    assert again == Lease(token="worker-a:2", fence=2, ttl_ms=60_000)


async def test_an_earlier_lease_that_comes_back_is_nobodys(queue: RedisQueue, lease: Lease) -> None:
    """A Redis that went back in time holds a token which its holder has given up since."""
    await queue.worker.release_lease(lease)
    latest = await queue.worker.acquire_lease("worker-a", ttl=MINUTE)
    await queue.client.set(queue.keys.lease, lease.token)
    await queue.client.set(queue.keys.fence, lease.fence)

    again = await queue.worker.acquire_lease("worker-a", ttl=MINUTE)

    assert latest == Lease(token="worker-a:2", fence=2, ttl_ms=60_000)
    assert again == Lease(token="worker-a:3", fence=3, ttl_ms=60_000)


async def _next_holder(queue: RedisQueue, holder: str, before: Lease) -> Lease:
    await queue.worker.release_lease(before)
    lease = await queue.worker.acquire_lease(holder, ttl=MINUTE)
    assert isinstance(lease, Lease)
    return lease


@pytest.mark.parametrize("name", WRITES)
async def test_a_late_workers_write_changes_nothing(queue: RedisQueue, lease: Lease, name: str) -> None:
    """Once the lease has passed on, every write of the old holder raises and leaves queue and audit as they were."""
    event = make_event()
    await queue.intake.enqueue(event)
    await queue.worker.claim(lease, "0")
    heir = await queue.worker.acquire_lease("worker-b", ttl=MINUTE, presumed_dead=lease.token)
    assert isinstance(heir, Lease)
    before = await queue.admin.status()

    if name == "recover":
        await queue.intake.enqueue(make_event("DU2"))
        before = await queue.admin.status()
    with pytest.raises(LeaseLost):
        await WRITES[name](queue.worker, lease, event)

    after = replace(await queue.admin.status(), oldest_event_age_seconds=before.oldest_event_age_seconds)
    assert after == before
    assert await queue.worker.recover(heir, repeat_pause=MINUTE) == [event.requeued()]


async def test_what_another_worker_held_is_given_only_after_it_was_recovered(queue: RedisQueue, lease: Lease) -> None:
    """A Redis that lost its last moments may hold again what was recovered: under the number of an earlier attempt."""
    event = make_event("DU1")
    await queue.intake.enqueue(event)
    await queue.worker.claim(lease, "0")
    heir = await queue.worker.acquire_lease("worker-b", ttl=MINUTE, presumed_dead=lease.token)
    assert isinstance(heir, Lease)

    with pytest.raises(LeaseLost):
        await queue.worker.claim(heir, "0")
    with pytest.raises(LeaseLost):
        await queue.worker.complete(heir, "0", make_event("DU2"), result={}, claim_next=True)
    await queue.worker.recover(heir, repeat_pause=MINUTE)

    assert await queue.worker.claim(heir, "0") == await queue.worker.claim(heir, "0") == event.requeued()
