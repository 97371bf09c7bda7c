"""The queue from outside: deduplication, follow-ups, the documented answers, keys, and what a transition costs."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.asyncio.client import Monitor

from event_queue.testing.redis_server import RedisServer
from running_system import Follower, System, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

WORLD: Mapping[str, Any] = {"instruments": [{"symbol": "A", "price": 100}, {"symbol": "B", "price": 50}]}
HALF_AND_HALF: Mapping[str, Any] = {"answer": {"A": 0.5, "B": 0.5}, "cash": 10_000}
FOLLOWERS = [
    *(
        Follower(account_id=account_id, **HALF_AND_HALF)
        for account_id in ("DUSLOW", "DUONE", "DUJUNK", "DUCOST", "DUSHOW")
    ),
    Follower(account_id="DUTWIN1", channel="twins", **HALF_AND_HALF),
    Follower(account_id="DUTWIN2", channel="twins", **HALF_AND_HALF),
    Follower(account_id="DUFOLLOW", answer={"A": 1}, positions={"B": 100}),
    Follower(account_id="DUOFF", configured={"enabled": False}, **HALF_AND_HALF),
]
EVENT_FIELDS = {"event_id", "account_id", "exec_command", "times_queued", "created_at", "source", "data"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(open_system: Callable[..., AbstractAsyncContextManager[System]]) -> AsyncGenerator[System]:
    """One system for all tests."""
    async with open_system(FOLLOWERS, WORLD) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def busy(system: System) -> AsyncGenerator[str]:
    """Keep the worker busy with one event for the length of a test; the id of that event."""
    system.world.add_fault({"kind": "slow_fill", "account": "DUSLOW"})
    since = system.now_seq
    event_id = await system.signal("DUSLOW")
    await system.happened("order_accepted", "DUSLOW", since=since)
    yield event_id
    system.world.clear_faults()
    for order in system.account("DUSLOW").open_orders:
        system.world.cancel_order(order.client_id, order.order_id)
    await system.finished(event_id, "DUSLOW")


async def test_of_fifty_equal_requests_at_once_one_is_accepted(system: System, busy: str) -> None:
    """One 201; 49 times 409 with the id of the one."""
    answers = await asyncio.gather(*(system.api.post("DUONE", "rebalance") for _ in range(50)))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}
    accepted = next(answer.json()["event_id"] for answer in answers if answer.status_code == 201)
    assert {answer.json()["active_event_id"] for answer in answers if answer.status_code == 409} == {accepted}
    assert [event["event_id"] for event in await system.api.waiting()] == [busy, accepted]
    assert (await system.api.delete(accepted)).json()["event_id"] == accepted


async def test_an_event_at_work_cannot_be_removed(system: System, busy: str) -> None:
    """409 while its orders are in the market; 404 for an event that there is not."""
    refused = await system.api.delete(busy)
    unknown = await system.api.delete("00000000-0000-0000-0000-000000000000")

    assert (refused.status_code, unknown.status_code) == (409, 404)


async def test_the_documented_answers(system: System, busy: str) -> None:
    """GET /health, /queue/status and /queue/events have the fields that clients were promised."""
    waiting = (await system.api.post("DUONE", "print-rebalance", data={"exec": "print-rebalance"})).json()
    health, status, events = await asyncio.gather(system.api.health(), system.api.status(), system.api.waiting())
    await system.api.delete(waiting["event_id"])

    assert (health["status"], health["healthy"], health["events_with_retries"]) == ("healthy", True, 0)
    assert health["message"].startswith("No events require retry")
    assert set(health["components"]) == {
        "redis",
        "postgres",
        "trading",
        "ably",
        "gateway",
        "worker",
        "relay",
        "history",
        "manual_files",
    }
    assert status["queue_length"] == 1
    assert status["active_events_count"] == 2
    assert status["events_with_retries"] == 0
    assert status["oldest_event_age_seconds"] >= 0
    assert [event["event_id"] for event in events] == [busy, waiting["event_id"]]
    assert set(events[1]) >= EVENT_FIELDS
    assert set(waiting) == EVENT_FIELDS
    assert (waiting["times_queued"], waiting["source"]) == (1, "api")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "the-operators-key"}])
async def test_without_the_key_nothing_changes(system: System, headers: dict[str, str]) -> None:
    """Both writes answer 401; reading needs no key."""
    body = {"account_id": "DUONE", "exec_command": "rebalance"}

    posted = await system.api.http.post("/queue/events", json=body, headers=headers)
    deleted = await system.api.http.delete("/queue/events/00000000-0000-0000-0000-000000000000", headers=headers)

    assert (posted.status_code, deleted.status_code) == (401, 401)
    assert (await system.api.http.get("/queue/status")).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"account_id": "DUNOBODY", "exec_command": "rebalance"}, "account_id"),
        ({"account_id": "DUOFF", "exec_command": "rebalance"}, "account_id"),
        ({"account_id": "DUONE", "exec_command": "Rebalance"}, "exec_command"),
        ({"account_id": "DUONE", "exec_command": "print-rebalance", "data": {"exec": "rebalance"}}, "data.exec"),
        ({"account_id": "DUONE"}, "exec_command"),
    ],
)
async def test_a_wrong_request_is_told_its_field(system: System, body: dict[str, Any], field: str) -> None:
    """422 with the name of what is wrong."""
    answer = await system.api.http.post("/queue/events", json=body, headers=dict(system.api.key))

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_one_message_for_two_accounts_becomes_two_events(system: System) -> None:
    """Each account of the channel gets an event of its own, with the same payload."""
    mark = len(system.broker.log)
    first = await system.signal("DUTWIN1", {"exec": "print-rebalance", "n": 1})
    second = (await system.broker.log.until("event_queued", since=mark, account_id="DUTWIN2"))["event_id"]

    events = [await system.api.ended(event_id) for event_id in (first, second)]

    assert first != second
    assert [event["account_id"] for event in events] == ["DUTWIN1", "DUTWIN2"]
    assert [event["data"] for event in events] == [{"exec": "print-rebalance", "n": 1}] * 2


@pytest.mark.parametrize("junk", ["{not json", b"\x00\xff", [1, 2], "17", None, '{"exec": "rebalance", "exec": "x"}'])
async def test_junk_becomes_a_preview(system: System, junk: Any) -> None:
    """Whatever a publisher sends, no order is placed unless it says so in so many words."""
    run = await system.rebalance("DUJUNK", junk)

    assert run.event["exec_command"] == "print-rebalance"
    assert run.orders == []


@pytest.mark.parametrize(
    ("command", "field"),
    [("print-positions", "positions"), ("print-equity", "net_liquidation"), ("print-orders", "orders")],
)
async def test_the_other_commands_only_look(system: System, command: str, field: str) -> None:
    """They answer in their result, and the gateway is asked for nothing but information."""
    run = await system.posted("DUSHOW", command)

    assert run.result["status"] == "success"
    assert run.result["account_id"] == "DUSHOW"
    assert field in run.result
    assert (run.orders, run.cancels) == ([], 0)


async def test_the_history_tells_what_was(system: System) -> None:
    """An event that ended is in the listing, by its account and status, as its own page tells it."""
    event_id = (await system.api.post("DUSHOW", "print-equity")).json()["event_id"]
    ended = await system.api.ended(event_id)
    answer = await system.api.http.get("/events", params={"account": "DUSHOW", "status": "completed", "limit": 1})

    (listed,) = answer.json()["events"]
    assert listed["event_id"] == event_id
    assert {name: listed[name] for name in ("status", "result", "data", "completed_at")} == {
        name: ended[name] for name in ("status", "result", "data", "completed_at")
    }


async def test_cancel_orders_cancels_and_places_nothing(system: System) -> None:
    """The account's open order goes; no other order is placed for it."""
    system.world.place_foreign_order(
        17, account="DUSHOW", symbol="A", side="BUY", quantity=Decimal(1), limit_price=Decimal(1)
    )
    since = system.now_seq

    run = await system.posted("DUSHOW", "cancel-orders")

    assert run.result["status"] == "success"
    assert system.account("DUSHOW").open_orders == ()
    assert [entry.kind for entry in system.journal("DUSHOW", since)] == ["cancel_order", "order_cancelled"]


async def test_signals_during_the_work_become_one_follow_up(system: System) -> None:
    """Three newer signals while the sell is in the market: exactly one more event, which finds nothing to do."""
    system.world.add_fault({"kind": "slow_fill", "account": "DUFOLLOW", "side": "SELL", "after_ms": 300})
    first = await system.signal("DUFOLLOW")
    await system.happened("order_accepted", "DUFOLLOW", symbol="B")
    mark = len(system.broker.log)
    for number in range(3):
        system.sandbox.ably.publish(system.channels["DUFOLLOW"], {"exec": "rebalance", "n": number})
    await system.broker.log.until("event_remembered", since=mark, count=3, account_id="DUFOLLOW", until=first)

    await system.processor.log.until("event_completed", account_id="DUFOLLOW", count=2)
    await eventually(system.api.status, lambda status: status["active_events_count"] == 0)

    started = [line["event_id"] for line in system.processor.log.of("event_started", account_id="DUFOLLOW")]
    assert len(started) == 2
    assert started[0] == first
    follow_up = await system.api.ended(started[1])
    assert follow_up["data"] == {"exec": "rebalance", "n": 2}
    assert system.held("DUFOLLOW") == {"A": 50}


async def test_each_transition_is_one_round_trip_to_redis(system: System, redis_server: RedisServer) -> None:
    """Taken in, claimed, completed: three records by three scripts; beside them only looks for more work."""
    await system.rebalance("DUCOST")
    async with Redis(port=redis_server.port, decode_responses=True) as client, client.monitor() as monitor:
        run = await system.rebalance("DUCOST")
        await client.get("the event has ended")
        commands = [command async for command in commands_until("the event has ended", monitor)]

    event_id = run.event["event_id"]
    writers = [line for line in commands if line.startswith("EVALSHA") and "outbox_counter" in line]
    naming = [line for line in writers if event_id in line]
    assert run.orders == []
    assert sum(line.startswith("XADD") and event_id in line for line in commands) == 3
    assert len(naming) == 2
    assert 1 <= len(writers) - len(naming) <= 3


async def commands_until(last: str, monitor: Monitor) -> AsyncGenerator[str]:
    """What Redis is asked, up to the command that mentions the words."""
    async for entry in monitor.listen():
        if last in entry["command"]:
            return
        yield entry["command"]
