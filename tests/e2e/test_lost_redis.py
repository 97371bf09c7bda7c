"""Redis is wiped, emptied, or brought back from an older copy while the system trades: nothing is done twice."""

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from event_queue.testing.redis_server import RedisServer, running_redis
from running_system import Service, System, case_five, eventually

pytestmark = pytest.mark.e2e

OpenSystem = Callable[..., AbstractAsyncContextManager[System]]

WORLD = case_five.world(fill_ms=400)
FOLLOWERS = case_five.followers(3)
SETTINGS = {"PROCESSING_LEASE_SECONDS": "3"}
"""A worker that does not outlive the loss waits so long before it works."""


@pytest.fixture
def redis() -> Generator[RedisServer]:
    """A server that the test may wipe."""
    with running_redis() as server:
        yield server


def log_file(redis: RedisServer) -> Any:
    return redis.directory / "appendonly.aof"


async def stored(system: System) -> None:
    """Wait until PostgreSQL knows everything."""

    async def facts() -> Mapping[str, Any]:
        return (await system.api.health())["components"]["postgres"]

    await eventually(facts, lambda postgres: postgres.get("lag_records") == 0)


def repeated_orders(system: System) -> list[str | None]:
    placed = Counter(entry.order_ref for entry in system.world.journal.of("place_order"))
    return [ref for ref, count in placed.items() if count > 1]


@pytest.mark.parametrize("moment", ["place_order", "fill"])
async def test_a_redis_wiped_during_a_rebalance_is_rebuilt(
    open_system: OpenSystem, redis: RedisServer, moment: str
) -> None:
    """Killed in the middle, with Redis's disk gone: all events come back, and no order goes out twice."""
    async with open_system(FOLLOWERS, WORLD, redis=redis, settings=SETTINGS) as system:
        events = {each.account_id: await system.signal(each.account_id) for each in FOLLOWERS}
        await system.happened(moment, "DU1")  # type: ignore[arg-type] # a literal of the parameters
        for event_id in events.values():
            await system.api.event_once(event_id, lambda event: bool(event["history"]))
        await asyncio.gather(*(service.kill() for service in system.services))
        await asyncio.to_thread(redis.kill)
        log_file(redis).unlink()
        await asyncio.to_thread(redis.start)
        await system.start()
        ended = [await system.api.ended(event_id) for event_id in events.values()]

        assert all(event["status"] == "completed" for event in ended)
        assert any(event["recovered"] for event in ended)
        assert [system.held(each.account_id) for each in FOLLOWERS] == [case_five.HELD_AFTER] * 3
        assert repeated_orders(system) == []


async def test_a_redis_emptied_during_a_rebalance_is_rebuilt(open_system: OpenSystem, redis: RedisServer) -> None:
    """The worker loses its lease in the middle of trading; all accounts arrive, and no order goes out twice."""
    async with open_system(FOLLOWERS, WORLD, redis=redis, settings=SETTINGS) as system:
        ids = [await system.signal(each.account_id) for each in FOLLOWERS]
        await system.happened("fill", "DU1")
        await stored(system)
        client: Any = Redis(port=redis.port)
        await client.flushall()
        await client.aclose()
        ended = [await system.api.ended(event_id) for event_id in ids]

        assert [event["status"] for event in ended] == ["completed"] * 3
        assert [system.held(each.account_id) for each in FOLLOWERS] == [case_five.HELD_AFTER] * 3
        assert repeated_orders(system) == []


async def test_a_worker_that_wakes_after_a_loss_sends_nothing_beside_another(
    open_system: OpenSystem, redis: RedisServer, tmp_path: Path
) -> None:
    """Stopped in the middle of trading. The other gets the lease at once, and uses it when the first one has ended."""
    async with open_system(FOLLOWERS, WORLD, redis=redis, settings=SETTINGS) as system:
        other = Service("event_processor", system.processor.environment, tmp_path)
        await other.start()
        await other.log.until("lease_standby")
        event_id = await system.signal("DU1")
        await system.happened("order_accepted", "DU1")
        await stored(system)
        system.processor.send_signal(signal.SIGSTOP)
        client: Any = Redis(port=redis.port)
        async with client:
            await client.flushall()
        await other.log.until("lease_not_used_yet")
        waiting = await system.api.component("worker", "degraded")
        early = len(other.log.of("lease_acquired"))
        await other.log.until("lease_acquired")
        system.processor.send_signal(signal.SIGCONT)
        await system.processor.log.until("lease_lost")
        ended = await system.api.ended(event_id)
        await other.kill()

        assert "when every earlier lease has ended" in waiting["detail"]
        assert early == 0
        assert (ended["status"], ended["recovered"]) == ("completed", True)
        assert system.held("DU1") == case_five.HELD_AFTER
        assert repeated_orders(system) == []


async def test_a_redis_emptied_while_running_is_rebuilt_in_order(open_system: OpenSystem, redis: RedisServer) -> None:
    """What waits comes back as it was within seconds; its twin is refused before and after."""
    async with open_system(FOLLOWERS, WORLD, redis=redis, settings=SETTINGS) as system:
        await system.api.http.put("/trading/pauses/all", json={"reason": "test"}, headers=dict(system.api.key))
        for follower in FOLLOWERS:
            await system.signal(follower.account_id)
        before = await eventually(
            system.api.waiting, lambda events: [event["state"] for event in events] == ["delayed"] * 3
        )
        await stored(system)
        client: Any = Redis(port=redis.port)
        await client.flushall()
        answer = await system.api.post("DU1", "rebalance")
        after = await eventually(system.api.waiting, lambda events: len(events) == 3)
        refused = await eventually(
            lambda: system.api.post("DU1", "rebalance"), lambda response: response.status_code != 503
        )
        await client.aclose()

        assert answer.status_code in (409, 503)
        assert [{**event, "recovered": True} for event in before] == after
        assert refused.status_code == 409
        assert (await system.api.http.get("/trading")).json()["paused"]
        lifted = await system.api.http.delete("/trading/pauses/all", headers=dict(system.api.key))
        assert lifted.is_success
        for event in before:
            await system.api.ended(event["event_id"])
        assert repeated_orders(system) == []
        assert [system.held(each.account_id) for each in FOLLOWERS] == [case_five.HELD_AFTER] * 3


@pytest.mark.parametrize("is_restarted", [True, False], ids=["services restarted", "services running"])
async def test_a_redis_that_went_back_in_time_halts_trading_until_resynced(
    open_system: OpenSystem, redis: RedisServer, *, is_restarted: bool
) -> None:
    """An old copy holds events that have long ended: none runs again; after a resync what is new trades."""
    async with open_system(FOLLOWERS, WORLD, redis=redis, settings=SETTINGS) as system:
        headers = dict(system.api.key)
        await system.api.http.put("/trading/pauses/all", json={"reason": "test"}, headers=headers)
        event_id = await system.signal("DU1")
        await system.api.event_once(event_id, lambda event: event["status"] == "delayed")
        old = log_file(redis).read_bytes()
        await system.api.http.delete("/trading/pauses/all", headers=headers)
        await system.api.ended(event_id)
        await stored(system)
        placed = len(list(system.world.journal.of("place_order")))

        if is_restarted:
            await asyncio.gather(*(service.kill() for service in system.services))
        await asyncio.to_thread(redis.kill)
        log_file(redis).write_bytes(old)
        await asyncio.to_thread(redis.start)
        if is_restarted:
            await system.start()
        history = await system.api.component("history", "down")
        waiting = await system.signal("DU2")
        shown = (await system.api.http.post("/queue/resync?dry_run=true", headers=headers)).json()
        halted = len(list(system.world.journal.of("place_order")))
        done = (await system.api.http.post("/queue/resync", headers=headers)).json()
        await system.api.ended(waiting)

        assert "rebalancer resync" in history["detail"]
        assert halted == placed
        assert (shown["verdict"], shown["done"], shown["halted"]) == ("redis_went_back", False, True)
        assert {event["event_id"]: event["action"] for event in shown["events"]}[event_id] == "ends"
        assert done["done"]
        assert (await system.api.event(event_id))["status"] == "completed"
        assert [system.held(account) for account in ("DU1", "DU2")] == [case_five.HELD_AFTER] * 2
        assert repeated_orders(system) == []
        await system.api.component("history", "ok")


async def test_what_had_ended_in_an_older_redis_does_not_end_again(open_system: OpenSystem, redis: RedisServer) -> None:
    """What only shows waits for the comparison too, however late it comes."""
    commands = ("print-rebalance", "print-positions", "print-equity", "print-orders", "cancel-orders")
    async with open_system(FOLLOWERS, WORLD, redis=redis, settings=SETTINGS) as system:
        await system.processor.kill()
        ids = [(await system.api.post("DU1", command)).json()["event_id"] for command in commands]
        old = log_file(redis).read_bytes()
        await system.processor.start()
        for event_id in ids:
            await system.api.ended(event_id)
        await stored(system)
        await system.broker.kill()
        await asyncio.to_thread(redis.kill)
        log_file(redis).write_bytes(old)
        await asyncio.to_thread(redis.start)
        await system.processor.log.until("event_started", count=len(ids) + 1)
        await system.broker.start()
        await system.api.component("history", "down")
        await system.api.http.post("/queue/resync", headers=dict(system.api.key))
        await system.api.component("history", "ok")
        await stored(system)
        events = [await system.api.event(event_id) for event_id in ids]

        assert [event["status"] for event in events] == ["completed"] * len(ids)
        assert [[entry["kind"] for entry in event["history"]].count("completed") for event in events] == [1] * len(ids)
        assert not await system.api.waiting()


@pytest.mark.parametrize("lost", ["rebalance_queue", "rebalance_events"])
async def test_lost_keys_halt_trading_until_resynced(open_system: OpenSystem, redis: RedisServer, lost: str) -> None:
    """As eviction takes them: health says so, a resync brings every event back, and each ends once."""
    async with open_system(FOLLOWERS, WORLD, redis=redis, settings=SETTINGS) as system:
        await system.processor.kill()
        ids = [await system.signal(each.account_id) for each in FOLLOWERS]
        await stored(system)
        client: Any = Redis(port=redis.port)
        async with client:
            await client.delete(system.processor.environment["REDIS_KEY_PREFIX"] + lost)
        history = await system.api.component("history", "down")
        sick = await system.api.http.get("/health")
        done = await system.api.http.post("/queue/resync", headers=dict(system.api.key))
        await system.processor.start()
        ended = [await system.api.ended(event_id) for event_id in ids]

        assert "lost some of the keys" in history["detail"]
        assert (sick.status_code, sick.json()["status"]) == (503, "unhealthy")
        assert (done.json()["done"], done.json()["counts"]) == (True, {"returns": 3})
        assert [event["status"] for event in ended] == ["completed"] * 3
        assert [system.held(each.account_id) for each in FOLLOWERS] == [case_five.HELD_AFTER] * 3
        assert repeated_orders(system) == []
