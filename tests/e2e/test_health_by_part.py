"""Each part of the system is really broken, and /health says which, how, and what to look at."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from event_queue.testing.postgres_server import PostgresServer, running_postgres
from event_queue.testing.redis_server import RedisServer, running_redis
from running_system import Follower, System, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

WORLD: Mapping[str, Any] = {"instruments": [{"symbol": "A", "price": 100}]}
FOLLOWERS = [Follower(account_id=account_id, answer={"A": 1}, cash=10_000) for account_id in ("DU1", "DU2", "DUSLOW")]
METRICS_OF_A_WELL_SYSTEM = [
    "healthy 1.0",
    "ably_connected 1.0",
    *(f'ably_channel_state{{channel="{follower.channel_name}",state="attached"}} 1.0' for follower in FOLLOWERS),
    "ably_gaps 0.0",
    "ably_backlog 0.0",
    "gateway_connected 1.0",
    "gateway_read_only 0.0",
    "worker_in_hand 0.0",
    "worker_oldest_in_hand_age_seconds 0.0",
    "outbox_lag_records 0.0",
    "outbox_spilled_records 0.0",
    'component_state{component="worker",state="ok"} 1.0',
]
OPERATORS_KEY = {"Authorization": "Bearer the-operators-key"}


@pytest.fixture(scope="module")
def stores() -> Any:
    """A Redis and a PostgreSQL that the tests may break."""
    with running_redis() as redis, running_postgres() as postgres:
        yield redis, postgres


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(
    open_system: Callable[..., AbstractAsyncContextManager[System]], stores: tuple[RedisServer, PostgresServer]
) -> AsyncGenerator[System]:
    """One system, which each test leaves whole."""
    redis, postgres = stores
    async with open_system(FOLLOWERS, WORLD, redis=redis, postgres=postgres) as running:
        yield running


async def all_well(system: System) -> dict[str, Any]:
    """The parts, once every one is well."""
    health = await eventually(
        system.api.health, lambda body: {part["status"] for part in body["components"].values()} == {"ok"}
    )
    return health["components"]


async def metrics(system: System) -> set[str]:
    return set((await system.api.http.get("/metrics")).text.splitlines())


async def test_a_system_that_is_well_shows_its_facts(system: System) -> None:
    """What probes and operators read of each part."""
    await system.rebalance("DU1")
    parts = await eventually(
        lambda: all_well(system),
        lambda found: (
            bool(found["worker"]["last"] and found["ably"]["last_message_at"]) and not found["worker"]["in_hand"]
        ),
    )

    assert (parts["postgres"]["lag_records"], parts["postgres"]["lag_seconds"]) == (0, 0)
    assert set(parts["ably"]["channels"].values()) == {"attached"}
    assert parts["ably"]["gaps"] == {}
    assert datetime.fromisoformat(parts["ably"]["last_message_at"]) <= datetime.now(UTC)  # noqa: TID251 - a real clock
    assert (parts["gateway"]["connected"], parts["gateway"]["read_only"]) == (True, False)
    assert datetime.fromisoformat(parts["gateway"]["last_heard_at"]) <= datetime.now(UTC)  # noqa: TID251 - a real clock
    assert parts["worker"]["lease"].rpartition(":")[2].isdecimal()
    assert (parts["worker"]["last"]["account_id"], parts["worker"]["last"]["outcome"]) == ("DU1", "completed")
    assert parts["worker"]["in_hand"] == []
    assert parts["trading"]["pauses"] == []
    assert parts["redis"]["durability_warnings"] == []
    # Parts report one after another, so that the message may be on its way still in the word of one.
    wanted = {f"rebalancer_{line}" for line in METRICS_OF_A_WELL_SYSTEM}
    assert wanted <= await eventually(lambda: metrics(system), wanted.issubset)


async def test_the_event_at_work_is_shown_with_its_age(system: System) -> None:
    """A worker that is stuck shows by an age that grows."""
    system.world.add_fault({"kind": "slow_fill", "account": "DUSLOW"})
    event_id = await system.signal("DUSLOW")
    await system.happened("order_accepted", "DUSLOW")

    health = await eventually(
        system.api.health, lambda body: any(item["age_seconds"] > 1 for item in body["components"]["worker"]["in_hand"])
    )
    (in_hand,) = health["components"]["worker"]["in_hand"]
    system.world.clear_faults()
    for order in system.account("DUSLOW").open_orders:
        system.world.cancel_order(order.client_id, order.order_id)
    await system.finished(event_id, "DUSLOW")

    assert (in_hand["event_id"], in_hand["account_id"], in_hand["command"]) == (event_id, "DUSLOW", "rebalance")


async def test_a_paused_gateway_and_a_paused_trading(system: System) -> None:
    """Pausing trading is told by who and why; it hides nothing else."""
    await system.api.http.put("/trading/pauses/all", json={"reason": "odd prices"}, headers=OPERATORS_KEY)
    paused = await system.api.component("trading", "degraded")
    await system.sandbox.gateway.go_down()
    down = await system.api.component("gateway", "down")
    await system.sandbox.gateway.come_up()
    await system.api.http.delete("/trading/pauses/all", headers=OPERATORS_KEY)
    parts = await all_well(system)

    assert paused["detail"] == "paused for all by api: odd prices"
    assert down["connected"] is False
    assert parts["gateway"]["connected"] is True


async def test_a_silent_redis(system: System, stores: tuple[RedisServer, PostgresServer]) -> None:
    """It takes requests and answers none: an error within the time of a probe, and no claim about other parts."""
    redis, _ = stores
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(30):
            answer = await system.api.http.get("/health")
            ready = await system.api.http.get("/health/ready")
            live = await system.api.http.get("/health/live")
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    parts = answer.json()["components"]
    await all_well(system)

    assert (answer.status_code, answer.json()["status"], ready.status_code, live.status_code) == (
        503,
        "error",
        503,
        200,
    )
    assert parts["redis"]["status"] == "down"
    assert parts["postgres"]["status"] == "ok"
    assert {parts[name]["status"] for name in ("ably", "gateway", "worker", "relay", "history", "trading")} == {
        "unknown"
    }


async def test_a_redis_that_may_forget(system: System, stores: tuple[RedisServer, PostgresServer]) -> None:
    """One that throws keys away, or does not write them down, is degraded while it is so."""
    redis, _ = stores
    client: Any = Redis(port=redis.port)
    await client.config_set("maxmemory-policy", "allkeys-lru")
    degraded = await system.api.component("redis", "degraded")
    await client.config_set("maxmemory-policy", "noeviction")
    await client.aclose()
    await all_well(system)

    assert "allkeys-lru" in degraded["detail"]


async def test_a_postgres_that_is_gone(system: System, stores: tuple[RedisServer, PostgresServer]) -> None:
    """Down, with what waits for it in records and in seconds that grow; trading and the verdict do not suffer."""
    _, postgres = stores
    await asyncio.to_thread(postgres.kill)
    event_id = (await system.api.post("DU2", "rebalance")).json()["event_id"]
    await system.processor.log.until("event_completed", event_id=event_id)
    health = await eventually(system.api.health, lambda body: (body["components"]["postgres"]["lag_seconds"] or 0) >= 2)
    relay = await eventually(
        system.api.health, lambda body: "Check that PostgreSQL runs" in body["components"]["relay"]["detail"]
    )
    await asyncio.to_thread(postgres.start)
    parts = await eventually(lambda: all_well(system), lambda found: found["postgres"]["lag_records"] == 0)

    assert (health["status"], health["components"]["postgres"]["status"]) == ("healthy", "down")
    assert health["components"]["postgres"]["lag_records"] >= 4
    assert relay["components"]["relay"]["status"] == "degraded"
    assert parts["postgres"]["lag_seconds"] == 0


async def test_services_that_died(system: System) -> None:
    """What they said last is not believed for long: their parts are unknown, and the service to look at is named."""
    await asyncio.gather(system.processor.kill(), system.broker.kill())
    names = {
        **dict.fromkeys(("worker", "gateway"), "event-processor"),
        **dict.fromkeys(("ably", "relay", "history"), "event-broker"),
    }
    dead = {name: await system.api.component(name, "unknown") for name in names}
    message = (await system.api.health())["message"]
    await asyncio.gather(system.processor.start(), system.broker.start())
    await all_well(system)

    assert all(f"is {names[name]} running?" in part["detail"] for name, part in dead.items())
    assert all(part["age_seconds"] >= 15 for part in dead.values())
    assert all(f"{name} is unknown" in message for name in names)
