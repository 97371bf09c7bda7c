"""`rebalancer up`: the system on this machine, against the gateway and Ably of config.yaml or a simulated world."""

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import Mapping
from pathlib import Path

import yaml
from dotenv import dotenv_values
from rich.console import Console

from rebalancer_cli.errors import CommandError
from rebalancer_cli.stack.running_stack import RunningStack, StackPlan, running_stack
from rebalancer_cli.stack.simulated_world import world_for

_DEFAULT_PORT = 8000


def plan_up(project: Path, *, simulated: bool) -> StackPlan:
    """What `up` starts: settings from the environment and .env; data kept under .data/ from one start to the next."""
    environment = {**_dotenv(project), **os.environ}
    data = project / ".data"
    data.mkdir(exist_ok=True)
    return StackPlan(
        project=project,
        data=data,
        environment=environment,
        management_port=int(environment.get("MANAGEMENT_PORT") or _DEFAULT_PORT),
        api_key=environment.get("MANAGEMENT_API_KEY") or _local_key(data),
        world=world_for(_accounts(project, environment)) if simulated else None,
    )


async def up(plan: StackPlan, console: Console) -> None:
    """Run until SIGTERM or Ctrl-C.

    Raises:
        StackFailed: a service ended by itself.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    console.print(f"starting; logs are in {plan.logs}")
    async with running_stack(plan, lambda _name, _line: None) as stack:
        announce(plan, stack, console)
        await _until_stopped(stack, stopping)
        console.print("stopping")


def announce(plan: StackPlan, stack: RunningStack, console: Console) -> None:
    """Say where everything answers and which key opens it."""
    console.print(f"management service  {stack.api.base_url}  (described at /openapi.json)")
    if stack.world is not None:
        console.print(f"simulated gateway   127.0.0.1:{stack.world.gateway_port}")
        console.print(f"simulated Ably      {stack.world.ably_endpoint}")
        console.print(f"control of both     {stack.world.control_url}")
    console.print(f"API key             export MANAGEMENT_API_KEY={plan.api_key}")


async def _until_stopped(stack: RunningStack, stopping: asyncio.Event) -> None:
    stopped = asyncio.create_task(stopping.wait())
    ended = asyncio.create_task(stack.wait_until_something_ends())
    await asyncio.wait({stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if ended.done():
        raise ended.result()
    ended.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ended


def _dotenv(project: Path) -> dict[str, str]:
    return {key: value for key, value in dotenv_values(project / ".env").items() if value is not None}


def _local_key(data: Path) -> str:
    """A key made at the first start and kept, readable by its owner only."""
    path = data / "management-api-key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24) + "\n", "utf-8")
    return path.read_text("utf-8").strip()


def _accounts(project: Path, environment: Mapping[str, str]) -> list[Mapping[str, object]]:
    path = project / (environment.get("ACCOUNTS_FILE") or "accounts.yaml")
    try:
        accounts = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise CommandError(f"cannot read {path}: {error}") from error
    return accounts or []
