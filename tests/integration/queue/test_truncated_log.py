"""A Redis whose append-only file ends in the middle: the last transition is there whole, or not at all."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from event_queue.inbound_message import InboundMessage
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.testing.events import make_event
from event_queue.testing.invariants import check_invariants
from event_queue.testing.redis_server import RedisServer

pytestmark = pytest.mark.integration

CUTS = 25
HOUR = timedelta(hours=1)
LOG = "appendonly.aof"


async def live(queue: RedisQueue) -> None:
    """A few transitions of every kind."""
    lease = await queue.worker.acquire_lease("worker", ttl=HOUR)
    assert isinstance(lease, Lease)
    for number in range(6):
        await queue.intake.enqueue(make_event(f"DU{number}"))
    held = await queue.worker.claim(lease, "0")
    assert held is not None
    await queue.intake.enqueue(
        make_event(held.account_id), message=InboundMessage("c", "m"), remember_while_in_flight=True
    )
    held = await queue.worker.complete(lease, "0", held, result={}, claim_next=True)
    assert held is not None
    await queue.worker.requeue(lease, "0", held, pause=HOUR, error="x", result={})
    held = await queue.worker.claim(lease, "0")
    assert held is not None
    await queue.worker.delay(lease, "0", held, until=datetime(2025, 1, 1, tzinfo=UTC), reason="x")
    held = await queue.worker.claim(lease, "0")
    await queue.worker.recover(lease, repeat_pause=HOUR)
    await queue.admin.delete(make_event().event_id, actor="test")
    waiting = await queue.admin.list_events(1)
    await queue.admin.delete(waiting[0].event.event_id, actor="test")


def cuts_of(log: Path) -> list[bytes]:
    """Beginnings of the file, of lengths drawn once and for all."""
    whole = log.read_bytes()
    lengths = random.Random(7).sample(range(len(whole)), CUTS)  # noqa: S311 - a sample that repeats
    return [whole[:length] for length in lengths]


async def test_a_cut_log_never_leaves_half_a_transition(own_redis: RedisServer) -> None:
    """Wherever the file is cut, the restarted queue keeps its invariants."""
    async with open_redis(own_redis.address) as queue:
        await live(queue)
        await check_invariants(queue.client, queue.keys)
    own_redis.stop()
    log = own_redis.directory / LOG

    for beginning in cuts_of(log):
        log.write_bytes(beginning)
        own_redis.start()
        async with open_redis(own_redis.address) as queue:
            await check_invariants(queue.client, queue.keys)
        own_redis.kill()
    own_redis.start()


async def test_what_a_torn_log_leaves_of_a_transaction_is_gone_for_good(own_redis: RedisServer) -> None:
    """Redis keeps its beginning in the file, until that is rewritten; then a second start finds nothing of it."""
    async with open_redis(own_redis.address) as queue:
        await queue.intake.enqueue(make_event("DU1"))
        await queue.intake.enqueue(make_event("DU2"))
    own_redis.stop()
    log = own_redis.directory / LOG
    log.write_bytes(log.read_bytes()[: -len("1\r\n$4\r\nEXEC\r\n") - 5])

    own_redis.start()
    async with open_redis(own_redis.address) as queue:
        await queue.mending.rewrite_log()
        while (await queue.client.info("persistence"))["aof_rewrite_in_progress"]:
            await asyncio.wait({asyncio.ensure_future(queue.client.ping())})
        await queue.intake.enqueue(make_event("DU3"))
    own_redis.kill()
    own_redis.start()

    async with open_redis(own_redis.address) as queue:
        await check_invariants(queue.client, queue.keys)
        waiting = [each.event.account_id for each in await queue.admin.list_events(10)]
    assert waiting == ["DU1", "DU3"]
