"""A scenario from start to end."""

from dataclasses import replace

from rich.console import Console

from rebalancer_cli.demo.demo_folder import demo_folder
from rebalancer_cli.demo.progress import Progress
from rebalancer_cli.demo.story import LIVE_CHANNEL
from rebalancer_cli.errors import StackFailed
from rebalancer_cli.project import Project
from rebalancer_cli.scenarios.evidence import Evidence
from rebalancer_cli.scenarios.report import findings, print_outcome
from rebalancer_cli.scenarios.scenario import Scenario
from rebalancer_cli.scenarios.service_control import ServiceControl
from rebalancer_cli.scenarios.setting import scenario_account, scenario_plan
from rebalancer_cli.scenarios.stage import Stage
from rebalancer_cli.scenarios.world_control import WorldControl
from rebalancer_cli.stack.running_stack import RunningStack, running_stack


async def run_scenario(project: Project, console: Console, scenario: Scenario) -> bool:
    """Play it; True when every claim holds.

    Raises:
        StackFailed: a part did not start, ended by itself, or did not take the signal in.
    """
    with demo_folder(project, console) as folder:
        plan = scenario_plan(project, scenario, folder.path)
        progress = Progress(console)
        console.print(f"{scenario.name}: {scenario.summary}")
        async with (
            running_stack(plan, progress.hear, console.print) as stack,
            ServiceControl(stack) as services,
        ):
            evidence = await _attended(stack, scenario).attend(_played(stack, services, scenario, progress))
        found = findings(scenario, evidence)
        print_outcome(console, scenario, evidence, found)
        holds = not any(objection for _, objection in found)
        if not holds:
            folder.keep()
        return holds


def _attended(stack: RunningStack, scenario: Scenario) -> RunningStack:
    """The stack, with an eye on all processes but those that the play itself ends."""
    return replace(stack, processes=[process for process in stack.processes if process.name not in scenario.kills])


async def _played(stack: RunningStack, services: ServiceControl, scenario: Scenario, progress: Progress) -> Evidence:
    if stack.world is None:
        raise StackFailed("a scenario needs the simulated world")
    account = scenario_account()
    async with WorldControl(stack.world.control_url) as world:
        stage = Stage(account, api=stack.api, world=world, services=services, progress=progress)
        await world.wait_attached(LIVE_CHANNEL)
        before = await world.account(account.account_id)
        await scenario.play(stage)
        return await stage.evidence(before)
