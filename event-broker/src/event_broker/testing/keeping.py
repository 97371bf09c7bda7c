"""The keeper of history for one look."""

import asyncio
from pathlib import Path
from typing import Final

from event_broker.history_keeper import HistoryKeeper
from event_broker.past_gate import PastGate
from event_broker.spill_keeper import SpillKeeper
from event_queue.components import ComponentReport
from event_queue.known_run import KnownRun
from event_queue.mender import Mender
from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_queue import RedisQueue
from event_queue.spill import Spill
from event_queue.testing.relays import relay_of
from service_runtime.clock import Clock, SystemClock

_CLOCK: Final = SystemClock()
_LONG_SECONDS: Final = 30


def keeper_of(
    queue: RedisQueue, audit: PostgresAudit, directory: Path, gate: PastGate | None = None, clock: Clock = _CLOCK
) -> HistoryKeeper:
    """One that spills into the directory."""
    mender = Mender(queue.mending, audit.past)
    spill = Spill(directory / "spill", host="here")
    relay = relay_of(queue.outbox, audit, spill=spill)
    files = SpillKeeper(spill, mender, carry=relay.carry_files)
    return HistoryKeeper(mender, queue.mending, files, gate or PastGate(KnownRun()), clock)


async def look(keeper: HistoryKeeper) -> ComponentReport:
    """What it reports as soon as a look has shown something else than before."""
    changed = asyncio.Event()
    keeper.changed = changed.set
    running = asyncio.create_task(keeper.run())
    try:
        async with asyncio.timeout(_LONG_SECONDS):
            await changed.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return keeper.report()
