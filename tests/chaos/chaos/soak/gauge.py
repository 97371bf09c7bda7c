"""Measures the memory of the services and of Redis from outside, each life of a process apart."""

import asyncio
import resource
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from redis.exceptions import RedisError

from chaos.pulse import some_time
from chaos.soak.growth import Growth
from chaos.soak.slope import Reading, slope_of
from chaos.system_level.stage import Stage

_EVERY_SECONDS = 2.0
_REDIS = "Redis"


class Gauge:
    """Keeps what it has read. A restarted process, which has another pid, begins a life of its own."""

    def __init__(self) -> None:
        self._lives: dict[str, dict[int, list[Reading]]] = defaultdict(lambda: defaultdict(list))

    async def watch(self, stage: Stage) -> None:
        """Read all sizes again and again, until cancelled; a process that is away just now is passed over."""
        loop = asyncio.get_running_loop()
        while True:
            for module, pid in stage.launcher.pids.items():
                with suppress(OSError):
                    self.note(f"{module} RSS", pid, Reading(loop.time(), resident_bytes(pid)))
            with suppress(RedisError, OSError):
                told = await stage.raw.info()
                self.note(f"{_REDIS} used_memory", told["process_id"], Reading(loop.time(), told["used_memory"]))
            await some_time(_EVERY_SECONDS)

    def note(self, part: str, pid: int, reading: Reading) -> None:
        """Take one reading; an ended process that nobody has waited for yet has no size, and is none."""
        if reading.size:
            self._lives[part][pid].append(reading)

    def growths(self, *, warm_up_seconds: float) -> Sequence[Growth]:
        """Of each part, from the warm-up of each of its lives on."""
        return [
            _growth(part, [_after(life, warm_up_seconds) for life in lives.values()])
            for part, lives in sorted(self._lives.items())
        ]


def _growth(part: str, lives: Sequence[Sequence[Reading]]) -> Growth:
    long = [life for life in lives if life]
    return Growth(part=part, lives=len(long), readings=sum(map(len, long)), slope=slope_of(long))


def _after(life: Sequence[Reading], warm_up_seconds: float) -> Sequence[Reading]:
    return [reading for reading in life if reading.seconds - life[0].seconds >= warm_up_seconds]


def resident_bytes(pid: int) -> int:
    """Resident memory of a process in bytes (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * resource.getpagesize()
