"""Redis loses everything, and Ably tells its messages again: live, and in the channel's history. None counts twice."""

import asyncio
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from event_queue.testing.postgres_server import PostgresServer, running_postgres
from event_queue.testing.redis_server import RedisServer, running_redis
from running_system import System, case_five

pytestmark = pytest.mark.e2e

OpenSystem = Callable[..., AbstractAsyncContextManager[System]]

FOLLOWERS = case_five.followers(2)


@pytest.fixture
def redis() -> Generator[RedisServer]:
    """A server that the test may wipe."""
    with running_redis() as server:
        yield server


async def history(postgres: PostgresServer, system: System) -> Sequence[tuple[str, str]]:
    """Kind and event of each record of intake, in their order."""
    driver: Any = asyncpg
    connection = await driver.connect(postgres.dsn(system.processor.environment["POSTGRES_DATABASE"]))
    try:
        rows = await connection.fetch(
            "SELECT kind, event_id FROM event_history WHERE kind IN ('queued', 'duplicate', 'coalesced') "
            "ORDER BY counter"
        )
    finally:
        await connection.close()
    return [(row["kind"], str(row["event_id"])) for row in rows]


async def emptied(system: System, redis: RedisServer) -> None:
    """Redis loses all it holds, and Ably's connection is cut for good: its messages come again."""
    client: Any = Redis(port=redis.port)
    await client.flushall()
    await client.aclose()
    system.sandbox.ably.drop_connections(lose_continuity=True)


async def wiped(system: System, redis: RedisServer) -> None:
    """Everything dies, Redis's disk is gone, and everything starts again."""
    await asyncio.gather(*(service.kill() for service in system.services))
    await asyncio.to_thread(redis.kill)
    (redis.directory / "appendonly.aof").unlink()
    await asyncio.to_thread(redis.start)
    await system.start()


@pytest.mark.parametrize("lose", [emptied, wiped])
async def test_messages_of_before_the_loss_are_recognised(
    open_system: OpenSystem, redis: RedisServer, postgres_server: PostgresServer, lose: Callable[..., Any]
) -> None:
    """One message was done and one is being traded on: both are told again, and neither is accepted again."""
    async with open_system(FOLLOWERS, case_five.world(fill_ms=400), redis=redis) as system:
        done = await system.signal("DU1")
        await system.api.ended(done)
        held = await system.signal("DU2")
        await system.happened("fill", "DU2")
        await system.api.event_once(held, lambda event: bool(event["history"]))
        mark = len(system.broker.log)

        await lose(system, redis)
        for account in ("DU1", "DU2"):
            await system.broker.log.until("message_already_seen", since=mark, account_id=account)
        await system.broker.log.until("history_read", since=mark, count=2)
        ended = [await system.api.ended(event_id) for event_id in (done, held)]
        newer = await system.signal("DU1")
        last = await system.api.ended(newer)

        assert [event["status"] for event in (*ended, last)] == ["completed"] * 3
        assert await history(postgres_server, system) == [
            ("queued", done),
            ("queued", held),
            ("queued", newer),
        ]
        assert [system.held(each.account_id) for each in FOLLOWERS] == [case_five.HELD_AFTER] * 2
        placed = Counter(entry.order_ref for entry in system.world.journal.of("place_order"))
        assert set(placed.values()) == {1}
        assert not system.broker.log.of("signals_may_be_missed")


async def test_a_message_that_history_does_not_know_either_is_taken_in_again(
    open_system: OpenSystem, redis: RedisServer
) -> None:
    """It came while PostgreSQL was away, and Redis lost it: Ably's history has it, and nothing is traded twice."""
    with running_postgres() as postgres:
        async with open_system(FOLLOWERS[:1], case_five.world(fill_ms=10), redis=redis, postgres=postgres) as system:
            first = await system.signal("DU1")
            await system.api.ended(first)
            await asyncio.to_thread(postgres.kill)
            lost = await system.signal("DU1")
            await system.processor.log.until("event_completed", event_id=lost)
            mark = len(system.broker.log)

            await asyncio.gather(*(service.kill() for service in system.services))
            await asyncio.to_thread(postgres.start)
            await wiped(system, redis)
            again = await system.broker.log.until("event_queued", since=mark)
            seen = await system.broker.log.until("message_already_seen", since=mark)
            await system.api.ended(again["event_id"])

            assert await history(postgres, system) == [("queued", first), ("queued", again["event_id"])]
            assert len(system.broker.log.of("event_queued", since=mark)) == 1
            assert seen["message_id"] != again["message_id"]
            assert system.held("DU1") == case_five.HELD_AFTER
            assert len(list(system.world.journal.of("place_order"))) == 3
