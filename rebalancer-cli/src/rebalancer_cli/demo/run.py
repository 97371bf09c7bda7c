"""The demonstration from start to end."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from rich.console import Console

from rebalancer_cli.demo.demo_folder import demo_folder
from rebalancer_cli.demo.play import play, system_at_rest
from rebalancer_cli.demo.progress import Progress
from rebalancer_cli.demo.report import print_account, print_system
from rebalancer_cli.demo.story import AccountStory, accounts_text
from rebalancer_cli.demo.verdict import objections, system_objections
from rebalancer_cli.demo.world_view import WorldView
from rebalancer_cli.errors import StackFailed
from rebalancer_cli.project import Project
from rebalancer_cli.stack.child_process import base_environment
from rebalancer_cli.stack.plan import StackPlan
from rebalancer_cli.stack.ports import free_port
from rebalancer_cli.stack.running_stack import RunningStack, running_stack
from rebalancer_cli.stack.world_description import demo_world
from rebalancer_cli.up import announce, for_ever


async def run_demo(project: Project, console: Console, *, keep: bool) -> bool:
    """Run it; True when every account arrived and the system is whole, idle and healthy.

    Raises:
        StackFailed: a part did not start, or ended by itself.
        EventNotEnded: an event failed, or did not end in time.
    """
    with demo_folder(project, console) as folder:
        plan = _plan(project, folder.path)
        progress = Progress(console)
        console.print("starting Redis, PostgreSQL, the simulated world and the three services ...")
        async with running_stack(plan, progress.hear, console.print) as stack, _world_view(stack) as world:
            stories = await stack.attend(play(stack.api, world, progress, console))
            arrived = await _judge(stack, stories, console)
            if keep:
                await _stay(plan, stack, console)
        if not arrived:
            folder.keep()
        return arrived


def _plan(project: Project, data: Path) -> StackPlan:
    """A system that reads nothing of the project but its tables: its settings and trigger files are its own."""
    (data / "accounts.yaml").write_text(accounts_text(), "utf-8")
    return StackPlan(
        folder=data,
        data=data,
        schema=project.schema,
        environment=base_environment(),
        management_host="127.0.0.1",
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


async def _judge(stack: RunningStack, stories: Sequence[AccountStory], console: Console) -> bool:
    verdicts = [objections(story) for story in stories]
    for story, found in zip(stories, verdicts, strict=True):
        print_account(console, story, found)
    health, status = await stack.attend(system_at_rest(stack.api))
    found = system_objections(health, status)
    print_system(console, health, status, found)
    return not found and not any(verdicts)


async def _stay(plan: StackPlan, stack: RunningStack, console: Console) -> None:
    """Leave everything running until somebody interrupts, which is no failure then."""
    announce(stack, console)
    console.print(f"API key             export MANAGEMENT_API_KEY={plan.api_key}")
    console.print("running until Ctrl-C")
    with contextlib.suppress(asyncio.CancelledError):
        await stack.attend(for_ever())
