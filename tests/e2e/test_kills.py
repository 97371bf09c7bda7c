"""Every process and both stores are killed while six accounts are rebalanced: nothing is lost, nothing done twice.

The moments are drawn from a seed: each kill waits for an order or a fill of one account, picked by chance.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal

import asyncpg
import pytest

from event_queue.testing.postgres_server import PostgresServer, running_postgres
from event_queue.testing.redis_server import RedisServer, running_redis
from running_system import Service, System, case_five, eventually

pytestmark = pytest.mark.e2e

OpenSystem = Callable[..., AbstractAsyncContextManager[System]]
Kill = Callable[[], Awaitable[None]]

WORLD = case_five.world(fill_ms=10)
FOLLOWERS = case_five.followers(6)
MOMENTS: Sequence[tuple[Literal["place_order", "fill"], str]] = (
    ("place_order", "AAA"),
    ("place_order", "BBB"),
    ("fill", "AAA"),
    ("fill", "BBB"),
    ("place_order", "CCC"),
    ("fill", "CCC"),
)


def kills(system: System, redis: RedisServer, postgres: PostgresServer) -> list[Kill]:
    """A kill and a new start of each process, the stores among them."""

    def of_store(store: RedisServer | PostgresServer) -> Kill:
        async def kill() -> None:
            await asyncio.to_thread(store.kill)
            await asyncio.to_thread(store.start)

        return kill

    def of_service(service: Service) -> Kill:
        return service.restart

    return [*map(of_service, system.services), of_store(redis), of_store(postgres)]


async def rows(postgres: PostgresServer, system: System, query: str) -> list[tuple[Any, ...]]:
    """What the history holds."""
    driver: Any = asyncpg
    connection = await driver.connect(postgres.dsn(system.processor.environment["POSTGRES_DATABASE"]))
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def trade_under_fire(system: System, attacks: Sequence[Kill], chance: random.Random) -> None:
    """Signal one account after the other, and kill something at a moment of each one's trading; the last has peace."""
    for follower, kill in zip(FOLLOWERS, attacks, strict=False):
        kind, symbol = chance.choice(MOMENTS)
        system.sandbox.ably.publish(follower.channel_name, {"exec": "rebalance"})
        await system.happened(kind, follower.account_id, symbol=symbol)
        await kill()
    system.sandbox.ably.publish(FOLLOWERS[-1].channel_name, {"exec": "rebalance"})


@pytest.mark.parametrize("seed", [20, 26])
async def test_kills_during_trading_lose_and_repeat_nothing(open_system: OpenSystem, seed: int) -> None:
    """All six accounts arrive, each order goes out once, each event ends once, and the history has no gap."""
    chance = random.Random(seed)  # noqa: S311 - picks moments, keeps no secret
    with running_redis() as redis, running_postgres() as postgres:
        async with open_system(FOLLOWERS, WORLD, redis=redis, postgres=postgres) as system:
            for follower in FOLLOWERS:
                await system.api.post(follower.account_id, "print-rebalance")
            attacks = kills(system, redis, postgres)
            chance.shuffle(attacks)
            await trade_under_fire(system, attacks, chance)
            ended = await eventually(
                lambda: rows(
                    postgres, system, "SELECT account_id, exec_command FROM rebalance_events WHERE status = 'completed'"
                ),
                lambda found: len(found) >= 2 * len(FOLLOWERS),
                seconds=60,
            )
            status = await system.api.status()

            placed = [entry.order_ref for entry in system.world.journal.of("place_order")]
            assert [system.held(follower.account_id) for follower in FOLLOWERS] == [case_five.HELD_AFTER] * 6
            assert [ref for ref, count in Counter(placed).items() if count > 1] == []
            assert status["active_events_count"] == 0
            assert sorted(ended) == sorted(
                (follower.account_id, command) for follower in FOLLOWERS for command in ("rebalance", "print-rebalance")
            )
            await check_history(postgres, system, placed)


async def check_history(postgres: PostgresServer, system: System, placed: Sequence[str]) -> None:
    """Counters without a gap, one end for each event and each order, every order intended, every fill kept."""
    counters = [row[0] for row in await rows(postgres, system, "SELECT counter FROM event_history ORDER BY counter")]
    ended = "SELECT count(*) FROM event_history WHERE kind IN ('completed', 'skipped', 'deleted') GROUP BY event_id"
    ends = [row[0] for row in await rows(postgres, system, ended)]
    orders = dict(await rows(postgres, system, "SELECT order_ref, status FROM rebalance_orders"))
    fills = {row[0] for row in await rows(postgres, system, "SELECT exec_id FROM rebalance_fills")}

    assert counters == list(range(1, len(counters) + 1))
    assert ends == [1] * 2 * len(FOLLOWERS)
    assert orders.keys() >= set(placed)
    assert set(orders.values()) <= {"FILLED", "CANCELLED", "ENDED", "NOT_SENT"}, orders
    assert fills == {entry.details["exec_id"] for entry in system.world.journal.of("fill")}
    assert await rows(postgres, system, "SELECT * FROM audit_quarantine") == []
