"""`rebalancer up`: the system on this machine, against the gateway and Ably of config.yaml or a simulated world."""

import asyncio
import secrets

from rich.console import Console

from rebalancer_cli.project import Project
from rebalancer_cli.stack.plan import StackPlan
from rebalancer_cli.stack.running_stack import RunningStack, running_stack
from rebalancer_cli.stack.world_description import world_for


def plan_up(project: Project, *, simulated: bool) -> StackPlan:
    """What `up` starts; its data is kept from one start to the next.

    The simulated world has data of its own, so that no event of a trial is ever run against a real brokerage.

    Raises:
        ProjectIncomplete: a file is missing or cannot be read.
    """
    accounts = project.accounts()
    return StackPlan(
        folder=project.folder,
        data=project.data / ("sandbox" if simulated else "real"),
        schema=project.schema,
        environment=project.environment,
        management_host=project.management_host,
        management_port=project.management_port,
        api_key=project.setting("management", "api_key") or local_key(project),
        world=world_for(accounts) if simulated else None,
    )


async def up(project: Project, plan: StackPlan, console: Console) -> None:
    """Run until cancelled.

    Raises:
        StackFailed: a part did not start, or ended by itself.
    """
    console.print(f"starting; logs are in {plan.data / 'logs'}")
    async with running_stack(plan, lambda _name, _line: None, console.print) as stack:
        announce(stack, console)
        if plan.api_key == _kept_key(project):
            console.print(f"API key             export MANAGEMENT_API_KEY=$(cat {project.key_file})")
        console.print("running until Ctrl-C")
        await stack.attend(for_ever())


def announce(stack: RunningStack, console: Console) -> None:
    """Say where everything answers."""
    console.print(f"management service  {stack.api.base_url}  (routes at /openapi.json)")
    if stack.world is not None:
        console.print(f"simulated gateway   127.0.0.1:{stack.world.gateway_port}")
        console.print(f"simulated Ably      {stack.world.ably_endpoint}")
        console.print(f"control of both     {stack.world.control_url}")


def local_key(project: Project) -> str:
    """A key made at the first start and kept, readable by its owner only."""
    if not _kept_key(project):
        project.data.mkdir(exist_ok=True)
        project.key_file.touch(mode=0o600)
        project.key_file.chmod(0o600)
        project.key_file.write_text(secrets.token_urlsafe(24) + "\n", "utf-8")
    return _kept_key(project)


def _kept_key(project: Project) -> str:
    return project.key_file.read_text("utf-8").strip() if project.key_file.exists() else ""


async def for_ever() -> None:
    """Wait until cancelled."""
    await asyncio.Event().wait()
