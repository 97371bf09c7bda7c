"""Whether a run of Redis may have forgotten a lease, as the keeper of history finds it."""

from datetime import timedelta
from pathlib import Path

import pytest

from event_broker.testing.keeping import keeper_of, look
from event_queue.mender import Mender
from event_queue.outcomes import Lease
from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.testing.events import make_event
from event_queue.testing.lost_redis import carry, go_back
from event_queue.testing.redis_server import running_redis

pytestmark = pytest.mark.integration


async def next_lease(queue: RedisQueue) -> Lease:
    lease = await queue.worker.acquire_lease("worker:space:1:1.00", ttl=timedelta(seconds=15))
    assert isinstance(lease, Lease)
    return lease


async def test_where_nobody_has_worked_yet_a_lease_is_used_at_once(
    redis_queue: RedisQueue, audit: PostgresAudit, tmp_path: Path
) -> None:
    """Redis and history are both empty; before that is known, somebody may count on a lease."""
    await go_back(redis_queue.client, {})
    before = await next_lease(redis_queue)

    await look(keeper_of(redis_queue, audit, tmp_path))

    assert (before.is_sole, (await next_lease(redis_queue)).is_sole) == (False, True)


async def test_a_first_event_before_the_first_look_holds_up_no_worker(
    redis_queue: RedisQueue, audit: PostgresAudit, tmp_path: Path
) -> None:
    """The management-service has met this Redis and nobody any other."""
    await go_back(redis_queue.client, {})
    await Mender(redis_queue.mending, audit.past).vouch()
    await redis_queue.intake.enqueue(make_event(), least=0)

    await look(keeper_of(redis_queue, audit, tmp_path))

    assert (await next_lease(redis_queue)).is_sole


@pytest.mark.parametrize(("appendfsync", "is_sole"), [("always", True), ("everysec", False)])
async def test_a_start_of_redis_that_loses_nothing_forgets_no_lease(
    audit: PostgresAudit, tmp_path: Path, appendfsync: str, *, is_sole: bool
) -> None:
    """A Redis that may lose its last second has agreed with history, and may have forgotten a lease all the same."""
    with running_redis(appendfsync=appendfsync) as server:
        async with open_redis(server.address) as queue:
            await queue.intake.enqueue(make_event(), least=None)
            await carry(queue, audit)
            server.kill()
            server.start()
            await look(keeper_of(queue, audit, tmp_path))

            assert (await next_lease(queue)).is_sole is is_sole


@pytest.mark.parametrize("has_an_event", [False, True])
async def test_a_redis_that_was_emptied_before_history_knew_anything_is_no_new_one(
    audit: PostgresAudit, tmp_path: Path, *, has_an_event: bool
) -> None:
    """Somebody may have worked there on what nobody heard of, and count on its lease."""
    with running_redis() as server:
        async with open_redis(server.address) as queue:
            await look(keeper_of(queue, audit, tmp_path))
            await queue.intake.enqueue(make_event(), least=None)
            server.kill()
            (server.directory / "appendonly.aof").unlink()
            server.start()
            if has_an_event:
                await queue.intake.enqueue(make_event(), least=None)
            await look(keeper_of(queue, audit, tmp_path))

            assert not (await next_lease(queue)).is_sole


async def test_a_redis_that_starts_again_before_anybody_worked_forgets_no_lease(
    audit: PostgresAudit, tmp_path: Path
) -> None:
    """History knows nothing of it yet, but it knows itself that it was compared."""
    with running_redis() as server:
        async with open_redis(server.address) as queue:
            await look(keeper_of(queue, audit, tmp_path))
            server.kill()
            server.start()
            await look(keeper_of(queue, audit, tmp_path))

            assert (await next_lease(queue)).is_sole


async def test_a_redis_that_was_emptied_has_forgotten_its_leases(
    redis_queue: RedisQueue, audit: PostgresAudit, tmp_path: Path
) -> None:
    """It is rebuilt, and whoever had the lease may still count on it."""
    await redis_queue.intake.enqueue(make_event())
    await carry(redis_queue, audit)
    await go_back(redis_queue.client, {})

    await look(keeper_of(redis_queue, audit, tmp_path))

    assert not (await next_lease(redis_queue)).is_sole
