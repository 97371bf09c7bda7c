"""The demonstration from start to end."""

import asyncio
import contextlib
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from rebalancer_cli.demo.progress import Progress
from rebalancer_cli.demo.report import print_account, print_system
from rebalancer_cli.demo.story import (
    LIVE_CHANNEL,
    PREVIEW_CHANNEL,
    AccountStory,
    DemoAccount,
    accounts_text,
    demo_accounts,
)
from rebalancer_cli.demo.verdict import objections, system_objections
from rebalancer_cli.demo.world_view import AccountView, WorldView
from rebalancer_cli.errors import StackFailed
from rebalancer_cli.operator.commands import wait_for_result
from rebalancer_cli.stack.child_process import base_environment
from rebalancer_cli.stack.embedded_redis import free_port
from rebalancer_cli.stack.running_stack import RunningStack, StackPlan, running_stack
from rebalancer_cli.stack.simulated_world import demo_world
from rebalancer_cli.up import announce

_EVENT_SECONDS = 60


async def run_demo(project: Path, console: Console, *, keep: bool) -> bool:
    """Run it; True when every account arrived and the system is idle and healthy."""
    with _data_folder(project) as data:
        plan = _plan(project, data)
        progress = Progress(console)
        console.print("starting Redis, PostgreSQL, the simulated world and the three services ...")
        async with running_stack(plan, progress.hear) as stack, _world_view(stack) as world:
            stories = await _play(stack, world, progress, console)
            arrived = await _judge(stack, stories, console)
            if keep:
                announce(plan, stack, console)
                await _until_interrupted(console)
        return arrived


@contextlib.contextmanager
def _data_folder(project: Path) -> Generator[Path]:
    """A folder of this run alone; removed at its end unless the run failed, for then its logs tell why."""
    (project / ".data").mkdir(exist_ok=True)
    data = Path(tempfile.mkdtemp(prefix="demo-", dir=project / ".data"))
    yield data
    shutil.rmtree(data, ignore_errors=True)


def _plan(project: Path, data: Path) -> StackPlan:
    accounts, config = data / "accounts.yaml", data / "config.yaml"
    accounts.write_text(accounts_text(), "utf-8")
    config.write_text("{}\n", "utf-8")
    return StackPlan(
        project=project,
        data=data,
        environment={**base_environment(), "ACCOUNTS_FILE": str(accounts), "CONFIG_FILE": str(config)},
        management_port=free_port(),
        api_key=secrets.token_urlsafe(24),
        world=demo_world(),
    )


@contextlib.asynccontextmanager
async def _world_view(stack: RunningStack) -> AsyncGenerator[WorldView]:
    if stack.world is None:
        raise StackFailed("the demonstration needs the simulated world")
    async with WorldView(stack.world.control_url) as view:
        yield view


async def _play(stack: RunningStack, world: WorldView, progress: Progress, console: Console) -> Sequence[AccountStory]:
    accounts = demo_accounts()
    await asyncio.gather(*(world.wait_attached(channel) for channel in (LIVE_CHANNEL, PREVIEW_CHANNEL)))
    before = await asyncio.gather(*(world.account(account.account_id) for account in accounts))
    console.print(f"publishing {{'exec': 'rebalance'}} on {LIVE_CHANNEL}, and a preview on {PREVIEW_CHANNEL}")
    await world.publish(LIVE_CHANNEL, {"exec": "rebalance"})
    await world.publish(PREVIEW_CHANNEL, {})
    events = await _ended_events(stack, progress, len(accounts))
    return [
        await _story(world, account, view, events[account.account_id])
        for account, view in zip(accounts, before, strict=True)
    ]


async def _ended_events(stack: RunningStack, progress: Progress, count: int) -> Mapping[str, Mapping[str, Any]]:
    async with asyncio.timeout(_EVENT_SECONDS):
        queued = [await progress.queued_event() for _ in range(count)]
    results = await asyncio.gather(
        *(wait_for_result(stack.api, event_id, timeout_seconds=_EVENT_SECONDS) for _, event_id in queued)
    )
    return {account_id: result for (account_id, _), result in zip(queued, results, strict=True)}


async def _story(world: WorldView, account: DemoAccount, before: AccountView, event: Mapping[str, Any]) -> AccountStory:
    after, prices, weights, orders_sent = await asyncio.gather(
        world.account(account.account_id),
        world.prices(),
        world.weights(account.channel),
        world.orders_sent(account.account_id),
    )
    return AccountStory(account, before, after, prices, weights, orders_sent, event)


async def _judge(stack: RunningStack, stories: Sequence[AccountStory], console: Console) -> bool:
    verdicts = [objections(story) for story in stories]
    for story, found in zip(stories, verdicts, strict=True):
        print_account(console, story, found)
    health, status = await asyncio.gather(stack.api.health(), stack.api.queue_status())
    found = system_objections(health, status)
    print_system(console, health, status, found)
    return not found and not any(verdicts)


async def _until_interrupted(console: Console) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    console.print("running until Ctrl-C")
    await stopping.wait()
