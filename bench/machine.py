"""The machine, as far as it matters for ratios."""

import os
import platform
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Machine:
    """What ran the benchmark."""

    cores: int
    python: str
    redis: str

    def __str__(self) -> str:
        return f"{self.cores} cores, Python {self.python}, Redis {self.redis}"


async def describe_machine(client: Any) -> Machine:
    """Ask the system and the server."""
    server: dict[str, Any] = await client.info("server")
    return Machine(os.cpu_count() or 1, platform.python_version(), str(server["redis_version"]))
