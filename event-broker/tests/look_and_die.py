"""Looks through a folder of trigger files once, and dies with SIGKILL at a named step of the first file.

python look_and_die.py DIRECTORY REDIS_PORT STEP
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from event_broker.testing.manual_rig import watch_over
from event_queue.redis_queue import RedisAddress, open_redis


async def look_and_die(directory: Path, redis_port: int, fatal_step: str) -> None:
    """One look, cut short by the step."""

    def die(step: str) -> None:
        if step == fatal_step:
            os.kill(os.getpid(), signal.SIGKILL)

    async with open_redis(RedisAddress(host="127.0.0.1", port=redis_port)) as queue:
        watch, _ = watch_over(directory, queue.intake, step=die)
        await watch.look()


if __name__ == "__main__":
    asyncio.run(look_and_die(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
