"""How soon the event of a worker that died is in work again, by the moments that log and history give."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

import pytest

from running_system import Follower, System

pytestmark = pytest.mark.e2e

OpenSystem = Callable[..., AbstractAsyncContextManager[System]]

WORLD: Mapping[str, Any] = {"instruments": [{"symbol": symbol, "price": 100} for symbol in "AB"]}
FOLLOWERS = [Follower(account_id="DU1", answer={"B": 1}, positions={"A": 100})]
SOON_SECONDS = 5.0
"""Far above what it takes, for a busy machine, and far below the lease of 15 seconds."""


async def test_what_a_killed_worker_held_is_back_in_work_at_once(open_system: OpenSystem) -> None:
    """The next start takes the dead one's lease and event over, and does not wait for the lease to end."""
    async with open_system(FOLLOWERS, WORLD) as system:
        system.world.add_fault({"kind": "slow_fill", "account": "DU1", "side": "SELL", "after_ms": 200, "times": 1})
        event_id = await system.signal("DU1")
        await system.happened("order_accepted", "DU1")
        await system.processor.kill()
        line = len(system.processor.log)
        await system.processor.start()
        run = await system.finished(event_id, "DU1")

    started = await system.processor.log.until("service_starting", since=line)
    moments = {entry["kind"]: datetime.fromisoformat(entry["recorded_at"]) for entry in run.event["history"]}
    assert moments["recovered"] <= moments["claimed"]
    assert (moments["claimed"] - datetime.fromisoformat(started["timestamp"])).total_seconds() < SOON_SECONDS
    assert run.event["times_queued"] == 2
    assert system.held("DU1") == {"B": 100}
