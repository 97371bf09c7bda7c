"""Looks through a folder of trigger files once, and dies with SIGKILL at a named step of the first file.

python -m event_broker.testing.killed_watch DIRECTORY REDIS_PORT STEP
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from event_broker.admission import admit
from event_broker.manual_folder import ManualFolder
from event_broker.manual_health import ManualHealth
from event_broker.manual_watch import ManualWatch, Step
from event_broker.testing.listening_rig import accounts_on
from event_queue.ports import Intake
from event_queue.redis_queue import RedisAddress, open_redis
from service_runtime.clock import Clock, SystemClock
from service_runtime.settings import AblySettings, TradingMode


def watch_over(
    directory: Path, intake: Intake, *, clock: Clock | None = None, settle_seconds: float = 0, step: Step | None = None
) -> tuple[ManualWatch, ManualHealth]:
    """A watch over a folder for the paper accounts DU1 to DU3; U9 is a live account."""
    admission = admit(accounts_on(DU1="a", DU2="a", DU3="b", U9="b"), TradingMode.PAPER, AblySettings())
    clock = clock or SystemClock()
    health = ManualHealth(directory, clock)
    watch = ManualWatch(
        ManualFolder(directory), intake, admission, clock, health, settle_seconds=settle_seconds, step=step or _go_on
    )
    return watch, health


async def look_and_die(directory: Path, redis_port: int, fatal_step: str) -> None:
    """One look, cut short by the step."""

    def die(step: str) -> None:
        if step == fatal_step:
            os.kill(os.getpid(), signal.SIGKILL)

    async with open_redis(RedisAddress(host="127.0.0.1", port=redis_port)) as queue:
        watch, _ = watch_over(directory, queue.intake, step=die)
        await watch.look()


def _go_on(_step: str) -> None:
    """Nothing happens."""


if __name__ == "__main__":
    asyncio.run(look_and_die(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
