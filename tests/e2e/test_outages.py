"""The world outside goes away and comes back: the gateway, Ably, and PostgreSQL."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from event_queue.testing.postgres_server import running_postgres
from event_queue.testing.redis_server import running_redis
from running_system import Follower, System, eventually

pytestmark = pytest.mark.e2e

OpenSystem = Callable[..., AbstractAsyncContextManager[System]]

WORLD: Mapping[str, Any] = {"instruments": [{"symbol": "A", "price": 100}, {"symbol": "B", "price": 50}]}
FOLLOWERS = [
    Follower(account_id=account_id, answer={"A": 0.5, "B": 0.5}, cash=10_000) for account_id in ("DU1", "DU2", "DU3")
]
BOUGHT = {"A": 50, "B": 100}


async def test_events_outlast_a_gateway_that_is_down(open_system: OpenSystem) -> None:
    """They take turns behind each other, each try counted and /health 503, until the gateway is back; then all end."""
    async with open_system(FOLLOWERS, WORLD) as system:
        await system.api.component("gateway", "ok", seconds=3)
        await system.sandbox.gateway.go_down()
        gateway = await system.api.component("gateway", "down", seconds=3)
        ids = [await system.signal(follower.account_id) for follower in FOLLOWERS]
        await asyncio.gather(*(system.api.failed(event_id, times_queued=3) for event_id in ids))
        down = await system.api.http.get("/health")
        waiting = {event["event_id"] for event in await system.api.waiting()}
        await system.sandbox.gateway.come_up()
        runs = [await system.finished(event_id, each.account_id) for event_id, each in zip(ids, FOLLOWERS, strict=True)]

        assert waiting == set(ids)
        assert down.status_code == 503
        assert down.json()["events_with_retries"] == 3
        assert "gateway" in gateway["detail"]
        first_tries = [line["event_id"] for line in system.processor.log.of("event_started")][:3]
        assert first_tries == ids
        assert [run.orders for run in runs] == [[("BUY", 50, "A"), ("BUY", 100, "B")]] * 3
        assert all(run.event["times_queued"] >= 3 for run in runs)
        assert (await system.api.http.get("/health")).status_code == 200


async def test_a_frozen_gateway_is_given_up_and_tried_again(open_system: OpenSystem) -> None:
    """A gateway that takes requests and says nothing fails the attempt in time; restarted, it is found again."""
    settings = {"IBKR_REQUEST_TIMEOUT_SECONDS": "1"}
    async with open_system(FOLLOWERS[:1], WORLD, settings=settings) as system:
        system.sandbox.gateway.freeze()
        event_id = await system.signal("DU1")
        failed = await system.api.failed(event_id)
        system.sandbox.gateway.thaw()
        await system.sandbox.gateway.drop_connections()
        run = await system.finished(event_id, "DU1")

        assert failed["result"]["failure_kind"] == "connection"
        assert run.orders == [("BUY", 50, "A"), ("BUY", 100, "B")]


async def test_a_key_that_ably_refuses_is_told_and_outlived(open_system: OpenSystem) -> None:
    """/health says so within ten seconds; with the key restored, signals of meanwhile and of later arrive."""
    async with open_system(FOLLOWERS[:2], WORLD) as system:
        ably = system.sandbox.ably
        ably.revoke_key(ably.key)
        told = await system.api.component("ably", "down", seconds=10)
        ably.publish(system.channels["DU1"], {"exec": "rebalance"})
        ably.restore_key(ably.key)
        missed = (await system.broker.log.until("event_queued", account_id="DU1"))["event_id"]
        await system.finished(missed, "DU1")
        later = await system.rebalance("DU2")

        assert "key" in told["detail"]
        assert ably.key not in str(told)
        assert system.held("DU1") == BOUGHT
        assert later.orders == [("BUY", 50, "A"), ("BUY", 100, "B")]
        assert (await system.api.component("ably", "ok"))["channels"] == dict.fromkeys(
            system.channels.values(), "attached"
        )


async def test_a_wrong_key_at_the_start_is_told(open_system: OpenSystem) -> None:
    """A broker started with a key that Ably does not know reports it within ten seconds, and the rest works."""
    async with open_system(FOLLOWERS[:1], WORLD) as system:
        system.broker.environment["ABLY_API_KEY"] = "sandbox.key1:not-the-secret"
        await system.broker.restart()
        told = await system.api.component("ably", "down", seconds=10)
        run = await system.posted("DU1", "rebalance")

        assert "key" in told["detail"]
        assert "not-the-secret" not in str(told)
        assert run.orders == [("BUY", 50, "A"), ("BUY", 100, "B")]


async def test_trading_goes_on_without_postgres(open_system: OpenSystem) -> None:
    """Even by services that start without it; the history is complete once PostgreSQL is back."""
    with running_postgres() as postgres:
        async with open_system(FOLLOWERS, WORLD, postgres=postgres) as system:
            before = await system.rebalance("DU1")
            await asyncio.to_thread(postgres.kill)
            await system.restart()
            event_ids = [await system.signal("DU2"), (await system.api.post("DU3", "rebalance")).json()["event_id"]]
            for event_id in event_ids:
                await system.processor.log.until("event_completed", event_id=event_id)
            await eventually(system.api.status, lambda status: status["active_events_count"] == 0)
            without = await system.api.component("postgres", "down")
            held = [system.held(account_id) for account_id in ("DU2", "DU3")]
            await asyncio.to_thread(postgres.start)
            histories = [_kinds(await system.api.ended(event_id)) for event_id in event_ids]

            assert held == [BOUGHT, BOUGHT]
            assert "trading goes on" in without["detail"]
            assert [sorted(kinds) for kinds in histories] == [sorted(_kinds(before.event))] * 2
            assert histories[0][:2] == ["queued", "claimed"]
            assert histories[0][-1] == "completed"


def _kinds(event: Mapping[str, Any]) -> list[str]:
    return [entry["kind"] for entry in event["history"]]


async def test_a_redis_that_is_gone_for_longer_than_the_lease_loses_nothing(open_system: OpenSystem) -> None:
    """Redis dies with two sells in the market and stays away until they have filled: no order is sent twice."""
    follower = Follower(account_id="DU1", answer={"B": 1}, positions={"A": 100})
    with running_redis() as redis:
        settings = {"PROCESSING_LEASE_SECONDS": "3"}
        async with open_system([follower], WORLD, redis=redis, settings=settings) as system:
            system.world.add_fault({"kind": "slow_fill", "account": "DU1", "side": "SELL", "after_ms": 3500})
            event_id = await system.signal("DU1")
            await system.happened("order_accepted", "DU1", symbol="A")
            await asyncio.to_thread(redis.kill)
            await system.happened("fill", "DU1", symbol="A")
            unreachable = await eventually(system.api.health, lambda body: body["status"] == "error")
            await asyncio.to_thread(redis.start)
            run = await system.finished(event_id, "DU1")

            assert not unreachable["healthy"]
            assert run.orders == [("SELL", 100, "A"), ("BUY", 200, "B")]
            assert system.held("DU1") == {"B": 200}
