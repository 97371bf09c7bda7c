"""A worker that sleeps for half a minute, with the lease as it is shipped, while orders of its own wait to leave."""

import asyncio
import signal
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from running_system import Follower, Service, System
from sandbox.world import JournalEntry
from service_runtime.clock import SystemClock

pytestmark = pytest.mark.e2e

OpenSystem = Callable[..., AbstractAsyncContextManager[System]]

PAUSE_SECONDS = 30.0
SYMBOLS = [f"S{number:02}" for number in range(60)]
"""More than may be sold in one second."""
WORLD: Mapping[str, Any] = {"instruments": [{"symbol": symbol, "price": 100} for symbol in [*SYMBOLS, "NEW"]]}
FOLLOWER = Follower(account_id="DU1", answer={"NEW": 1}, positions=dict.fromkeys(SYMBOLS, 10))


def of_first_attempt(system: System) -> list[JournalEntry]:
    """What the gateway was sent before anybody else took the event over."""
    return [entry for entry in system.world.journal.of("place_order") if entry.order_ref.split(":")[1] == "1"]


async def test_a_worker_that_sleeps_half_a_minute_sends_nothing_more(open_system: OpenSystem, tmp_path: Path) -> None:
    """Stopped amid its sells it wakes up without its lease, sends none of those that waited, and stands by again."""
    async with open_system([FOLLOWER], WORLD) as system:
        first, second = system.processor, Service("event_processor", system.processor.environment, tmp_path)
        await second.start()
        try:
            await second.log.until("lease_standby")
            event_id = await system.signal("DU1")
            await system.happened("order_accepted", "DU1")
            first.send_signal(signal.SIGSTOP)
            asleep_at = asyncio.get_running_loop().time()
            await second.log.until("event_recovered", event_id=event_id)
            await SystemClock().pause(asleep_at + PAUSE_SECONDS - asyncio.get_running_loop().time())
            sent, line = of_first_attempt(system), len(first.log)
            first.send_signal(signal.SIGCONT)
            await first.log.until("lease_lost", since=line)
            await first.log.until("lease_standby", since=line)
            await second.log.until("event_completed", event_id=event_id)
            event = await system.api.ended(event_id)
            worker = await system.api.component("worker", "ok")
        finally:
            await second.kill()

    assert 0 < len(sent) < len(SYMBOLS)
    assert of_first_attempt(system) == sent
    assert system.held("DU1") == {"NEW": 600}
    assert worker["lease"] == second.log.of("lease_acquired")[0]["token"]
    assert [entry["kind"] for entry in event["history"]].count("completed") == 1
