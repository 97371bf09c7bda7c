"""SIGTERM while a store stands still or is gone, to a worker that stands by or is told twice: exit 0, soon, no loss."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from event_queue.testing.postgres_server import PostgresServer, running_postgres
from event_queue.testing.redis_server import RedisServer, running_redis
from running_system import Follower, Service, System

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

OpenSystem = Callable[..., AbstractAsyncContextManager[System]]

WORLD: Mapping[str, Any] = {"instruments": [{"symbol": symbol, "price": 100} for symbol in "AB"]}
ACCOUNTS = ("DUTWICE", "DUBOTH", "DUFROZEN", "DUGONE", "DUBEFORE", "DUSTILL")
SOON_SECONDS = 4
"""Most of it is what a busy machine takes."""
SETTINGS = {"PROCESSING_SHUTDOWN_GRACE_SECONDS": "2", "PROCESSING_LEASE_SECONDS": "5"}
ORDERS = [("SELL", "A", "100"), ("BUY", "B", "100")]


@pytest.fixture(scope="module")
def redis() -> Generator[RedisServer]:
    """A server of our own, to freeze and to kill."""
    with running_redis() as server:
        yield server


@pytest.fixture(scope="module")
def postgres() -> Generator[PostgresServer]:
    """A server of our own, to freeze."""
    with running_postgres() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(open_system: OpenSystem, redis: RedisServer, postgres: PostgresServer) -> AsyncGenerator[System]:
    """One system for all, each test with an account of its own."""
    followers = [Follower(account_id=name, answer={"B": 1}, positions={"A": 100}) for name in ACCOUNTS]
    async with open_system(followers, WORLD, settings=SETTINGS, redis=redis, postgres=postgres) as running:
        yield running


@contextmanager
def frozen(server: RedisServer) -> Generator[None]:
    """The server takes connections and answers nothing."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


@contextmanager
def still(server: PostgresServer) -> Generator[None]:
    """The server takes connections and answers nothing."""
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


def orders(system: System, account_id: str) -> list[tuple[Any, ...]]:
    """What the gateway was sent for the account."""
    placed = [entry for entry in system.journal(account_id) if entry.kind == "place_order"]
    return [(entry.details["side"], entry.symbol, entry.details["quantity"]) for entry in placed]


async def goes_on(system: System, account_id: str, event_id: str) -> None:
    """The next start ends the same event, once, where an undisturbed rebalance ends."""
    await system.processor.start()
    run = await system.finished(event_id, account_id)

    assert system.held(account_id) == {"B": 100}
    assert [entry["kind"] for entry in run.event["history"]].count("completed") == 1


async def test_a_second_sigterm_changes_nothing(system: System) -> None:
    """An impatient operator gets no other end: the sell is followed for its time, and no order comes after it."""
    system.world.add_fault({"kind": "slow_fill", "account": "DUTWICE", "side": "SELL", "after_ms": 1000, "times": 1})
    event_id = await system.signal("DUTWICE")
    await system.happened("order_accepted", "DUTWICE")

    system.processor.terminate()
    await system.processor.log.until("shutdown_waits_for_attempts")
    system.processor.terminate()
    code = await system.processor.ended()

    assert code == 0
    assert orders(system, "DUTWICE") == ORDERS[:1]
    await goes_on(system, "DUTWICE", event_id)


async def test_a_standby_ends_at_once_and_the_leader_goes_on(system: System, tmp_path: Path) -> None:
    """It holds nothing that could be lost."""
    second = Service("event_processor", system.processor.environment, tmp_path)
    await second.start()
    try:
        await second.log.until("lease_standby")
        second.terminate()
        code = await second.ended()
    finally:
        await second.kill()
    run = await system.rebalance("DUBOTH")

    assert code == 0
    assert run.event["status"] == "completed"
    assert second.log.of("lease_acquired") == []


async def test_a_worker_that_cannot_write_its_result(system: System, redis: RedisServer) -> None:
    """Redis falls silent before the last fill: what was executed is found by the next start, and not done again."""
    system.world.add_fault({"kind": "slow_fill", "account": "DUFROZEN", "side": "BUY", "after_ms": 300, "times": 1})
    event_id = await system.signal("DUFROZEN")
    await system.happened("order_accepted", "DUFROZEN", symbol="B")
    with frozen(redis):
        await system.happened("fill", "DUFROZEN", symbol="B")
        system.processor.terminate()
        code = await system.processor.ended()

    assert code == 0
    await goes_on(system, "DUFROZEN", event_id)
    assert orders(system, "DUFROZEN") == ORDERS


async def test_a_worker_whose_redis_is_gone(system: System, redis: RedisServer) -> None:
    """Refused connections keep nobody from ending, and the sell that is under way is not sold again."""
    system.world.add_fault({"kind": "slow_fill", "account": "DUGONE", "side": "SELL", "after_ms": 300, "times": 1})
    event_id = await system.signal("DUGONE")
    await system.happened("order_accepted", "DUGONE")
    await asyncio.to_thread(redis.kill)
    system.processor.terminate()
    code = await system.processor.ended()
    stopped = orders(system, "DUGONE")
    await asyncio.to_thread(redis.start)

    assert code == 0
    assert stopped == ORDERS[:1]
    await goes_on(system, "DUGONE", event_id)
    assert orders(system, "DUGONE") == ORDERS


async def test_services_whose_postgres_stands_still(system: System, postgres: PostgresServer) -> None:
    """The event-broker amid storing records, and the management service: neither waits for what will not come."""
    loop = asyncio.get_running_loop()
    await system.rebalance("DUBEFORE")  # over connections that are open when PostgreSQL stops
    with still(postgres):
        event_id = await system.signal("DUSTILL")
        await system.processor.log.until("event_completed", event_id=event_id)
        codes: list[int] = []
        seconds: list[float] = []
        for service in (system.broker, system.management):
            began = loop.time()
            service.terminate()
            codes.append(await service.ended())
            seconds.append(loop.time() - began)
    await system.broker.start()
    await system.management.start()
    run = await system.finished(event_id, "DUSTILL")

    assert codes == [0, 0]
    assert max(seconds) < SOON_SECONDS, seconds
    assert [entry["kind"] for entry in run.event["history"]].count("completed") == 1
    assert system.held("DUSTILL") == {"B": 100}
