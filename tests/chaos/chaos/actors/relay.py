"""The product's relay between the outbox and PostgreSQL, beside the keeper that compares the two: half an event-broker.

Records go while the two agree; an emptied Redis is rebuilt, one that went back is halted until an operator comes.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from chaos.actors.stage import open_audit, open_queue, play, tell
from chaos.points import Points
from chaos.pulse import some_time
from event_broker.history_keeper import HistoryKeeper
from event_broker.past_gate import PastGate
from event_broker.spill_keeper import SpillKeeper
from event_queue.errors import QueueError
from event_queue.known_run import KnownRun
from event_queue.mender import Mender
from event_queue.relay import OutboxRelay
from event_queue.spill import Spill
from service_runtime.clock import SystemClock

_AGAIN_SECONDS = 0.05


def main(args: Mapping[str, Any]) -> int:
    """Carry records until killed."""
    return play(args, _act)


async def _act(args: Mapping[str, Any], points: Points) -> int:
    clock = SystemClock()
    async with open_queue(args) as queue, open_audit(args) as audit:
        relay = OutboxRelay(queue.outbox, audit, now=clock.now, pause=_pause, batch=args["batch"])
        mender = Mender(queue.mending, audit.past)
        nothing_spilled = SpillKeeper(Spill(Path(args["spill"]), host="chaos"), mender, carry=relay.carry_files)
        while True:
            keeper = HistoryKeeper(mender, queue.mending, nothing_spilled, PastGate(KnownRun()), clock)
            working = asyncio.ensure_future(_work(keeper, relay))
            points.on_cancel = working.cancel
            await asyncio.wait({working})
            if not working.cancelled():
                working.result()
            tell(cancelled=True)


async def _work(keeper: HistoryKeeper, relay: OutboxRelay) -> None:
    async def carry() -> None:
        while True:
            try:
                await relay.run()
            except QueueError as error:
                tell(halted=f"{type(error).__name__}: {error}")
                await _pause(timedelta(seconds=1))

    async with asyncio.TaskGroup() as group:
        group.create_task(keeper.run())
        group.create_task(keeper.carrying.while_allowed(carry))


async def _pause(_production: timedelta) -> None:
    await some_time(_AGAIN_SECONDS)
