"""The simulated outside world as a process, and where it listens."""

import contextlib
import json
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from rebalancer_cli.stack.child_process import ChildProcess, Launcher, base_environment

_READY_SECONDS = 30
_ANNOUNCEMENT = '"gateway_port"'


@dataclass(frozen=True, slots=True)
class WorldAddress:
    """Where the simulated gateway, Ably, allocations API and control API answer, and the keys that open them."""

    gateway_port: int
    ably_endpoint: str
    ably_key: str
    allocations_base_url: str
    allocations_key: str
    control_url: str


@dataclass(frozen=True, slots=True)
class SimulatedWorld:
    """The running sandbox."""

    address: WorldAddress
    process: ChildProcess


@contextlib.asynccontextmanager
async def simulated_world(world: Mapping[str, Any], launcher: Launcher) -> AsyncGenerator[SimulatedWorld]:
    """Run the sandbox with this world on free ports."""
    file = launcher.data / "world.yaml"
    file.write_text(yaml.safe_dump(dict(world)), "utf-8")
    command = [sys.executable, "-m", "sandbox", "--world", str(file)]
    async with launcher.running("sandbox", command, environment=base_environment(), folder=launcher.data) as process:
        announcement = await process.line_with(_ANNOUNCEMENT, timeout_seconds=_READY_SECONDS)
        yield SimulatedWorld(_address(json.loads(announcement), world), process)


def _address(endpoints: Mapping[str, Any], world: Mapping[str, Any]) -> WorldAddress:
    return WorldAddress(
        gateway_port=endpoints["gateway_port"],
        ably_endpoint=endpoints["ably_endpoint"],
        ably_key=world["ably"]["keys"][0],
        allocations_base_url=endpoints["allocations_base_url"],
        allocations_key=world["allocations"]["key"],
        control_url=endpoints["control_url"],
    )
