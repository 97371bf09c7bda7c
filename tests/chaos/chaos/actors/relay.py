"""The product's relay between the outbox and PostgreSQL."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from chaos.actors.stage import open_queue, play, tell
from chaos.points import Points
from chaos.pulse import some_time
from event_queue.errors import QueueError
from event_queue.postgres_audit import open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.relay import OutboxRelay
from service_runtime.clock import SystemClock

_AGAIN_SECONDS = 0.05


def main(args: Mapping[str, Any]) -> int:
    """Carry records until killed."""
    return play(args, _act)


async def _act(args: Mapping[str, Any], points: Points) -> int:
    address = PostgresAddress(host="127.0.0.1", port=args["postgres_port"], database=args["database"], user="postgres")
    async with open_queue(args) as queue, open_postgres(address) as audit:
        relay = OutboxRelay(queue.outbox, audit, now=SystemClock().now, pause=_pause, batch=args["batch"])
        while True:
            carrying = asyncio.ensure_future(relay.run())
            points.on_cancel = carrying.cancel
            await asyncio.wait({carrying})
            if carrying.cancelled():
                tell(cancelled=True)
            elif error := carrying.exception():
                if not isinstance(error, QueueError):
                    raise error
                tell(halted=f"{type(error).__name__}: {error}")
                await _pause(timedelta(seconds=1))


async def _pause(_production: timedelta) -> None:
    await some_time(_AGAIN_SECONDS)
