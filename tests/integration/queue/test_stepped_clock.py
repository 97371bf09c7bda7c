"""The clock of the host of Redis is stepped by an hour, either way, in the middle of everything."""

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from event_queue.audit import AuditKind
from event_queue.errors import LeaseLost
from event_queue.events import RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.outcomes import AlreadySeen, Deleted, EventState, Lease, Queued
from event_queue.redis_admin import RedisQueueAdmin
from event_queue.redis_intake import RedisIntake
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.redis_worker import RedisWorkerQueue
from event_queue.script_files import Script, load_scripts
from event_queue.script_runner import ScriptRunner
from event_queue.testing.events import make_event
from event_queue.testing.redis_server import RedisServer
from service_runtime.clock import SystemClock

pytestmark = pytest.mark.integration

AT_ONCE = timedelta(milliseconds=1)
HALF_MINUTE = timedelta(seconds=30)
HOUR_MS = 3_600_000
STEP_KEY = "test:step"
READING = "local time = redis.call('TIME')"
"""The one place where scripts look at the clock."""
HOURS = pytest.mark.parametrize("hours", [-1, 1])


def with_steps(script: Script) -> Script:
    """The script on a host whose clock is moved by the milliseconds under `STEP_KEY`."""
    text = script.text.replace(READING, f"{READING}\ntime[1] = time[1] + (redis.call('GET', '{STEP_KEY}') or 0) / 1000")
    return replace(script, text=text, sha=hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


@pytest.fixture
async def queue(redis_server: RedisServer) -> AsyncGenerator[RedisQueue]:
    """An empty queue on a Redis whose clock can be stepped."""
    async with open_redis(redis_server.address) as opened:
        await opened.client.flushall()
        scripts = ScriptRunner(
            opened.client, opened.keys, {name: with_steps(script) for name, script in load_scripts().items()}
        )
        yield replace(
            opened,
            intake=RedisIntake(scripts),
            worker=RedisWorkerQueue(scripts, opened.client),
            admin=RedisQueueAdmin(scripts, opened.client),
        )


@pytest.fixture
async def lease(queue: RedisQueue) -> Lease:
    """The lease, in the hands of the test's worker."""
    lease = await queue.worker.acquire_lease("worker-a", ttl=timedelta(minutes=1))
    assert isinstance(lease, Lease)
    return lease


async def step(queue: RedisQueue, hours: int) -> None:
    """Move the clock."""
    client: Any = queue.client
    await client.set(STEP_KEY, hours * HOUR_MS)


async def told(queue: RedisQueue) -> list[tuple[int, AuditKind]]:
    """Number and kind of each record, in the order of the stream."""
    records = await queue.outbox.read("0-0", limit=100, block=AT_ONCE)
    return [(record.counter, record.kind) for record in records]


@HOURS
async def test_events_keep_their_order(queue: RedisQueue, lease: Lease, hours: int) -> None:
    """First in, first out, across the step; the history counts on without a gap, and no age is below zero."""
    before, after = (make_event(account, created_at=SystemClock().now()) for account in ("DU1", "DU2"))
    await queue.intake.enqueue(before)
    await step(queue, hours)
    await queue.intake.enqueue(after)

    status = await queue.admin.status()
    claimed = [await queue.worker.claim(lease, "0")]
    claimed.append(await queue.worker.complete(lease, "0", before, result={}, claim_next=True))

    assert claimed == [before, after]
    assert [number for number, _ in await told(queue)] == [1, 2, 3, 4, 5]
    age = status.oldest_event_age_seconds
    assert age is not None
    assert abs(age - max(0, hours) * 3600) < 60


async def failing_before_other(queue: RedisQueue, lease: Lease) -> tuple[RebalanceEvent, RebalanceEvent]:
    """An event that pauses for half a minute, as its next attempt will see it, and one that waits."""
    failing, other = make_event("DU1"), make_event("DU2")
    await queue.intake.enqueue(failing)
    await queue.worker.claim(lease, "0")
    await queue.worker.requeue(lease, "0", failing, pause=HALF_MINUTE, error="away", result={})
    await queue.intake.enqueue(other)
    return failing.requeued(), other


async def test_a_step_forward_ends_pauses_early(queue: RedisQueue, lease: Lease) -> None:
    """The failed event still runs behind what waits."""
    failing, other = await failing_before_other(queue, lease)

    await step(queue, 1)
    first = await queue.worker.claim(lease, "0")
    second = await queue.worker.complete(lease, "0", other, result={}, claim_next=True)

    assert [first, second] == [other, failing]


async def test_a_step_back_ends_pauses_late(queue: RedisQueue, lease: Lease) -> None:
    """The failed event is neither lost nor in anybody's way; an operator may delete it and add another."""
    failing, other = await failing_before_other(queue, lease)

    await step(queue, -1)
    first = await queue.worker.claim(lease, "0")
    second = await queue.worker.complete(lease, "0", other, result={}, claim_next=True)
    waiting = await queue.admin.get_event(failing.event_id)

    assert [first, second] == [other, None]
    assert waiting is not None
    assert waiting.state is EventState.DELAYED
    assert isinstance(await queue.admin.delete(failing.event_id, actor="operator"), Deleted)
    assert isinstance(await queue.intake.enqueue(make_event("DU1")), Queued)


@HOURS
async def test_what_was_taken_in_is_recognised(queue: RedisQueue, hours: int) -> None:
    """A message that is told again after the step is no second event."""
    message = InboundMessage(channel="growth", message_id="m:1")
    event = make_event("DU1")
    first = await queue.intake.enqueue(event, message=message)
    await step(queue, hours)

    again = await queue.intake.enqueue(make_event("DU1"), message=message)

    assert isinstance(first, Queued)
    assert isinstance(again, AlreadySeen)


@HOURS
async def test_a_fenced_worker_stays_fenced(queue: RedisQueue, lease: Lease, hours: int) -> None:
    """Whatever the clock did to the lease, its token decides: the late worker writes nothing, the next recovers all."""
    event = make_event("DU1")
    await queue.intake.enqueue(event)
    await queue.worker.claim(lease, "0")
    client: Any = queue.client
    await client.delete(queue.keys.lease)  # a step forward ends it early
    await step(queue, hours)
    following = await queue.worker.acquire_lease("worker-b", ttl=timedelta(minutes=1))
    assert isinstance(following, Lease)

    with pytest.raises(LeaseLost):
        await queue.worker.complete(lease, "0", event, result={}, claim_next=False)
    recovered = await queue.worker.recover(following, repeat_pause=HALF_MINUTE)

    assert list(recovered) == [event.requeued()]
    assert await queue.worker.claim(following, "0") == event.requeued()
