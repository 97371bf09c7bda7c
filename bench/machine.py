"""The machine, as far as it matters for ratios."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_PROCESSORS = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Machine:
    """What ran the benchmark."""

    processor: str
    cores: int
    python: str
    redis_py: str
    is_pinned: bool

    def __str__(self) -> str:
        placed = "everything on one of them" if self.is_pinned else "processes placed by the system"
        return f"{self.processor}, {self.cores} cores, {placed}; Python {self.python}, redis-py {self.redis_py}"


def describe_machine(is_pinned: bool) -> Machine:  # noqa: FBT001 - the one question
    """Ask the system."""
    cores = os.cpu_count() or 1
    return Machine(_processor(), cores, platform.python_version(), version("redis"), is_pinned)


def _processor() -> str:
    """The maker's name for it, where the kernel tells."""
    if _PROCESSORS.exists():
        for line in _PROCESSORS.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine() or "an unknown processor"
