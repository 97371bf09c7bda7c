"""Two workers: one works, the other stands by; never do both."""

import signal
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from running_system import Follower, Service, System

pytestmark = pytest.mark.e2e

OpenSystem = Callable[..., AbstractAsyncContextManager[System]]

WORLD: Mapping[str, Any] = {"instruments": [{"symbol": "A", "price": 100}, {"symbol": "B", "price": 50}]}
FOLLOWERS = [Follower(account_id=account_id, answer={"A": 1}, positions={"B": 100}) for account_id in ("DU1", "DU2")]
ORDERS = [("SELL", 100, "B"), ("BUY", 50, "A")]
SETTINGS = {"PROCESSING_LEASE_SECONDS": "3"}


@asynccontextmanager
async def standby(system: System, directory: Path) -> AsyncGenerator[Service]:
    """A second worker, started and standing by."""
    second = Service("event_processor", system.processor.environment, directory)
    await second.start()
    try:
        await second.log.until("lease_standby")
        yield second
    finally:
        await second.kill()


async def test_the_second_worker_takes_over_from_a_dead_one(open_system: OpenSystem, tmp_path: Path) -> None:
    """The first is killed with its sell in the market; the second buys, and nothing is sold twice."""
    async with open_system(FOLLOWERS, WORLD, settings=SETTINGS) as system, standby(system, tmp_path) as second:
        system.world.add_fault({"kind": "slow_fill", "account": "DU1", "side": "SELL", "after_ms": 200})
        event_id = await system.signal("DU1")
        await system.happened("order_accepted", "DU1", symbol="B")
        await system.processor.kill()
        await second.log.until("event_completed", event_id=event_id)

        assert system.held("DU1") == {"A": 50}
        assert [entry.details["quantity"] for entry in system.world.journal.of("place_order")] == ["100", "50"]


async def test_a_worker_that_wakes_up_late_sends_nothing(open_system: OpenSystem, tmp_path: Path) -> None:
    """The first sleeps through the end of its lease, mid-trade; awake again it leaves the event to the second."""
    async with open_system(FOLLOWERS, WORLD, settings=SETTINGS) as system, standby(system, tmp_path) as second:
        system.world.add_fault({"kind": "slow_fill", "account": "DU1", "side": "SELL", "after_ms": 200})
        event_id = await system.signal("DU1")
        await system.happened("order_accepted", "DU1", symbol="B")
        system.processor.send_signal(signal.SIGSTOP)
        await second.log.until("event_recovered", event_id=event_id)
        system.processor.send_signal(signal.SIGCONT)
        await system.processor.log.until("lease_lost")
        await second.log.until("event_completed", event_id=event_id)

        assert system.held("DU1") == {"A": 50}
        assert [entry.details["quantity"] for entry in system.world.journal.of("place_order")] == ["100", "50"]
        assert system.processor.log.of("event_completed") == []
