"""SIGTERM in each phase of a rebalance, and of the other two services in trouble: exit 0, soon, with nothing lost."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from event_queue.testing.postgres_server import running_postgres
from event_queue.testing.redis_server import running_redis
from running_system import Follower, Run, System, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

OpenSystem = Callable[..., AbstractAsyncContextManager[System]]
Phase = Callable[[System, str], Awaitable[str]]

WORLD: Mapping[str, Any] = {
    "instruments": [{"symbol": symbol, "price": price} for symbol, price in {"A": 100, "B": 50, "C": 20}.items()]
}
PORTFOLIO: Mapping[str, Any] = {"answer": {"B": 0.5, "C": 0.5}, "positions": {"A": 100}}
SETTINGS = {"PROCESSING_SHUTDOWN_GRACE_SECONDS": "2"}
HELD_AFTER = {"B": 100, "C": 250}
SELLS = [("SELL", 100, "A")]
SLOW: Mapping[str, Any] = {"reply_ms": 700}


async def starting(system: System, account_id: str) -> str:
    """The event has been claimed, and every answer of the gateway takes long."""
    system.world.set_latency(SLOW)
    event_id = await system.signal(account_id)
    await system.processor.log.until("event_started", event_id=event_id)
    return event_id


async def connecting(system: System, account_id: str) -> str:
    """The gateway takes the connection and never answers."""
    await system.processor.kill()
    system.sandbox.gateway.freeze()
    await system.processor.start()
    event_id = await system.signal(account_id)
    await system.processor.log.until("event_started", event_id=event_id)
    return event_id


async def cancelling(system: System, account_id: str) -> str:
    """The cancellation of an order found in the account is not confirmed yet."""
    price, quantity = Decimal(1), Decimal(3)
    system.world.place_foreign_order(
        17, account=account_id, symbol="B", side="BUY", quantity=quantity, limit_price=price, tif="GTC"
    )
    system.world.add_fault({"kind": "slow_cancel", "account": account_id, "after_ms": 3000, "times": 1})
    event_id = await system.signal(account_id)
    await system.happened("cancel_order", account_id)
    return event_id


async def asking_first(system: System, account_id: str) -> str:
    """The brokerage was asked what an order would do, and has not answered."""
    event_id = await starting(system, account_id)
    await system.happened("what_if", account_id)
    return event_id


async def selling(system: System, account_id: str) -> str:
    """The sell works in the market."""
    system.world.add_fault({"kind": "slow_fill", "account": account_id, "side": "SELL", "after_ms": 500})
    event_id = await system.signal(account_id)
    await system.happened("order_accepted", account_id, symbol="A")
    return event_id


async def between(system: System, account_id: str) -> str:
    """The sell has just filled, and what was bought with the cash is being computed."""
    event_id = await system.signal(account_id)
    await system.happened("order_accepted", account_id, symbol="A")
    system.world.set_latency(SLOW)
    await system.happened("fill", account_id, symbol="A")
    return event_id


PHASES: Mapping[str, tuple[Phase, int]] = {
    "STARTING": (starting, 0),
    "CONNECTING": (connecting, 0),
    "CANCELLING": (cancelling, 0),
    "ASKING": (asking_first, 0),
    "SELLING": (selling, 1),
    "BETWEEN": (between, 1),
}
"""How each phase is reached, and how many orders may have gone out by then."""


def sent_by_us(system: System, account_id: str) -> list[tuple[str, int, str]]:
    """The orders that carry a reference, which an order left in the account does not."""
    return Run({}, [entry for entry in system.journal(account_id) if entry.order_ref]).orders


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(open_system: OpenSystem) -> AsyncGenerator[System]:
    """One system for all phases, each with an account of its own."""
    followers = [
        Follower(
            account_id=f"DU{phase}",
            **PORTFOLIO,
            configured={"what_if": phase == "ASKING"},
        )
        for phase in PHASES
    ]
    async with open_system(followers, WORLD, settings=SETTINGS) as running:
        yield running


@pytest.mark.parametrize("phase", PHASES)
async def test_a_worker_stopped_in_any_phase_sends_no_new_order(system: System, phase: str) -> None:
    """It ends with 0 within its grace, says so in the log, and the next start finishes the same event."""
    account_id, (reach, sent) = f"DU{phase}", PHASES[phase]
    event_id = await reach(system, account_id)
    mark = len(system.processor.log)

    system.processor.terminate()
    code = await system.processor.ended()
    stopped = sent_by_us(system, account_id)
    system.world.set_latency({})
    system.sandbox.gateway.thaw()
    await system.processor.start()
    run = await system.finished(event_id, account_id)

    assert code == 0
    assert stopped == SELLS[:sent]
    assert [line["exit_code"] for line in system.processor.log.of("service_stopped", since=mark)] == [0]
    assert sent_by_us(system, account_id) == [*SELLS, ("BUY", 100, "B"), ("BUY", 250, "C")]
    assert system.held(account_id) == HELD_AFTER
    kinds = [entry["kind"] for entry in run.event["history"]]
    assert (kinds.count("queued"), kinds.count("completed")) == (1, 1)


async def test_the_other_services_stop_without_their_stores(open_system: OpenSystem) -> None:
    """With Redis frozen and PostgreSQL gone both end with 0; what was signalled before is there after the restart."""
    followers = [Follower(account_id="DU1", **PORTFOLIO)]
    with running_postgres() as postgres, running_redis() as redis:
        async with open_system(followers, WORLD, redis=redis, postgres=postgres) as system:
            await asyncio.to_thread(postgres.kill)
            await system.processor.kill()
            event_id = await system.signal("DU1")
            await asyncio.to_thread(redis.kill)
            asking = asyncio.create_task(system.api.http.get("/queue/events"))
            for service in (system.broker, system.management):
                service.terminate()
            codes = [await service.ended() for service in (system.broker, system.management)]
            await asyncio.gather(asking, return_exceptions=True)
            await asyncio.to_thread(redis.start)
            await asyncio.to_thread(postgres.start)
            await system.start()
            run = await system.finished(event_id, "DU1")

            assert codes == [0, 0]
            assert system.held("DU1") == HELD_AFTER
            assert [entry["kind"] for entry in run.event["history"]].count("queued") == 1


async def test_a_request_in_hand_is_answered_before_the_end(system: System) -> None:
    """The management service finishes what it has begun, and refuses nothing halfway."""
    asking = [asyncio.create_task(system.api.http.get("/health")) for _ in range(20)]
    await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)

    system.management.terminate()
    code = await system.management.ended()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    await system.management.start()
    await eventually(lambda: system.api.http.get("/health/ready"), lambda response: response.is_success)

    told = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert code == 0
    assert told
    assert all(answer.status_code in (200, 503) and answer.json()["status"] for answer in told)
