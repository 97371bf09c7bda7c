"""The simulated outside world as a process: what it holds, and where it listens."""

import asyncio
import contextlib
import importlib.util
import json
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rebalancer_cli.errors import StackFailed
from rebalancer_cli.stack.child_process import ChildProcess, LineListener, base_environment

_READY_SECONDS = 20
_TEMPLATE_CASH = 25_000


@dataclass(frozen=True, slots=True)
class WorldAddress:
    """Where the simulated gateway, Ably, allocations API and control API answer, and the keys that open them."""

    gateway_port: int
    ably_endpoint: str
    ably_key: str
    allocations_base_url: str
    allocations_key: str
    control_url: str


def demo_world() -> dict[str, Any]:
    """The world that the sandbox package carries."""
    spec = importlib.util.find_spec("sandbox")
    if spec is None or not spec.submodule_search_locations:
        raise StackFailed("the sandbox package is not installed: run `make install`")
    return yaml.safe_load((Path(spec.submodule_search_locations[0]) / "demo_world.yaml").read_text("utf-8"))


def world_for(accounts: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The demo world, in which every account of accounts.yaml exists and every channel publishes weights.

    An account that the demo does not know gets some cash and the positions of a demo account; a channel that it does
    not know gets the weights of a demo channel.
    """
    world = demo_world()
    known = {account["id"] for account in world["accounts"]}
    channels: dict[str, Any] = world["allocations"]["channels"]
    examples = list(zip(world["accounts"], channels.values(), strict=False))
    for index, account in enumerate(accounts):
        portfolio, weights = examples[index % len(examples)]
        channels.setdefault(account["notification"]["channel"], weights)
        if account["account_id"] not in known:
            world["accounts"].append({**portfolio, "id": account["account_id"], "cash": _TEMPLATE_CASH})
    return world


@contextlib.asynccontextmanager
async def simulated_world(
    world: Mapping[str, Any], directory: Path, logs: Path, listener: LineListener
) -> AsyncGenerator[WorldAddress]:
    """Run the sandbox with this world on free ports."""
    world_file = directory / "world.yaml"
    world_file.write_text(yaml.safe_dump(dict(world)), "utf-8")
    announced: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    def announce(name: str, line: str) -> None:
        if not announced.done() and line.startswith("{"):
            announced.set_result(json.loads(line))
        listener(name, line)

    process = await ChildProcess.start(
        "sandbox",
        [sys.executable, "-m", "sandbox", "--world", str(world_file)],
        environment=base_environment(),
        log_file=logs / "sandbox.log",
        listener=announce,
    )
    try:
        yield _address(await _first_of(announced, process), world)
    finally:
        await process.stop()


async def _first_of(announced: asyncio.Future[dict[str, Any]], process: ChildProcess) -> dict[str, Any]:
    ended = asyncio.create_task(process.wait_until_ended())
    try:
        await asyncio.wait({announced, ended}, timeout=_READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if announced.done():
            return announced.result()
        if ended.done():
            raise ended.result()
        raise StackFailed(f"the sandbox was not ready within {_READY_SECONDS} s; see {process.log_file}")
    finally:
        ended.cancel()


def _address(endpoints: Mapping[str, Any], world: Mapping[str, Any]) -> WorldAddress:
    return WorldAddress(
        gateway_port=endpoints["gateway_port"],
        ably_endpoint=endpoints["ably_endpoint"],
        ably_key=world["ably"]["keys"][0],
        allocations_base_url=endpoints["allocations_base_url"],
        allocations_key=world["allocations"]["key"],
        control_url=endpoints["control_url"],
    )
