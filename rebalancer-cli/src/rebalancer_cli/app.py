"""The `rebalancer` command."""

import asyncio
import os
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import stamina.instrumentation
import typer

from rebalancer_cli.console import open_console
from rebalancer_cli.demo.run import run_demo
from rebalancer_cli.errors import CommandError, Interrupted
from rebalancer_cli.interruption import until_interrupted
from rebalancer_cli.operator import commands, listing
from rebalancer_cli.operator.mending import mend
from rebalancer_cli.operator.target import target_api
from rebalancer_cli.project import Project
from rebalancer_cli.scenarios.catalogue.every import EVERY_SCENARIO
from rebalancer_cli.scenarios.report import print_scenarios
from rebalancer_cli.scenarios.run import run_scenario
from rebalancer_cli.scenarios.scenario import Scenario
from rebalancer_cli.up import plan_up, up

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keep IBKR accounts at their model portfolio.",
)

Url = Annotated[
    str, typer.Option(envvar="MANAGEMENT_URL", help="Address of the management service. Default: this project's.")
]
Key = Annotated[
    str, typer.Option(envvar="MANAGEMENT_API_KEY", help="Key for what changes something. Default: this project's.")
]
Account = Annotated[str, typer.Argument(help="Account id, as in accounts.yaml.")]
Scope = Annotated[str, typer.Argument(help="Account id, or all.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, with everything that is known of each.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]
EVERY_ACCOUNT = "all"
ResultT = TypeVar("ResultT")


def main() -> None:
    """Entry point: errors that a person can act on are printed without a traceback."""
    _refuse_unreadable(sys.argv[1:])
    stamina.instrumentation.set_on_retry_hooks([])  # waiting for a service to answer is no news
    try:
        app()
    except CommandError as error:
        open_console(stderr=True).print(str(error), style="red")
        raise SystemExit(1) from None


@app.command("up")
def up_command(
    *,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Add the simulated gateway, Ably and allocations.")
    ] = False,
) -> None:
    """Run Redis, PostgreSQL and the three services here, until Ctrl-C."""
    project = Project.require(Path.cwd(), os.environ)
    plan = plan_up(project, simulated=sandbox)
    try:
        _run(up(project, plan, open_console()))
    except Interrupted:
        raise typer.Exit(0) from None


@app.command()
def demo(
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running at the end, and print the URLs.")] = False,
    scenario: Annotated[str, typer.Option(help="Instead, let something go wrong; see --list-scenarios.")] = "",
    list_scenarios: Annotated[bool, typer.Option("--list-scenarios", help="Show what can go wrong, and end.")] = False,
) -> None:
    """Rebalance two paper accounts and preview a third, end to end, in a simulated world."""
    if list_scenarios:
        print_scenarios(open_console(), EVERY_SCENARIO.values())
        return
    if keep and scenario:
        raise typer.BadParameter("a scenario ends by itself", param_hint="--keep")
    chosen = _chosen(scenario)
    project, console = Project.require(Path.cwd(), os.environ), open_console()
    work = run_scenario(project, console, chosen) if chosen else run_demo(project, console, keep=keep)
    raise typer.Exit(0 if _run(work) else 1)


@app.command()
def status(url: Url = "") -> None:
    """Show the verdict, the counters and every component; exit 1 when unhealthy."""
    healthy = _run(commands.show_status(target_api(url), open_console()))
    raise typer.Exit(0 if healthy else 1)


@app.command()
def events(limit: Limit = 100, *, as_json: Json = False, url: Url = "") -> None:
    """List the events that have not ended, in the order in which they will run."""
    _run(listing.list_events(target_api(url), open_console(), limit, as_json=as_json))


@app.command()
def history(  # noqa: PLR0913 - one for each option
    account: Annotated[str, typer.Option(help="Only of this account.")] = "",
    command: Annotated[str, typer.Option(help="Only this command, such as rebalance.")] = "",
    status: Annotated[str, typer.Option(help="Only with this status, such as completed or failed.")] = "",
    since: Annotated[str, typer.Option("--from", help="Created at this moment or later: 2023-12-01T10:00:00Z.")] = "",
    until: Annotated[str, typer.Option("--to", help="Created before this moment.")] = "",
    limit: Limit = 50,
    *,
    as_json: Json = False,
    url: Url = "",
) -> None:
    """List events of the past and the present, youngest first."""
    asked = {"account": account, "command": command, "status": status, "from": since, "to": until}
    filters = {name: words for name, words in asked.items() if words}
    _run(listing.list_history(target_api(url), open_console(), filters, limit, as_json=as_json))


@app.command()
def add(
    account: Account, command: Annotated[str, typer.Argument()] = "print-rebalance", url: Url = "", key: Key = ""
) -> None:
    """Queue an event; without a command a preview, which never trades."""
    _run(commands.add_event(target_api(url, key), open_console(), account, command))


@app.command()
def delete(event_id: str, url: Url = "", key: Key = "") -> None:
    """Remove a waiting event."""
    _run(commands.delete_event(target_api(url, key), open_console(), event_id))


@app.command()
def watch(url: Url = "") -> None:
    """Print the queue's counters whenever they change, until Ctrl-C."""
    try:
        _run(commands.watch(target_api(url), open_console()))
    except Interrupted:
        raise typer.Exit(0) from None


@app.command()
def preview(account: Account, url: Url = "", key: Key = "", timeout_seconds: float = 120) -> None:
    """Queue a preview for an account and print what a rebalance would do."""
    _run(commands.preview(target_api(url, key), open_console(), account, timeout_seconds=timeout_seconds))


@app.command()
def pause(
    account: Scope = EVERY_ACCOUNT, reason: Annotated[str, typer.Option()] = "by hand", url: Url = "", key: Key = ""
) -> None:
    """Let no order go out until resumed; events wait and nothing is lost."""
    _run(commands.pause_trading(target_api(url, key), open_console(), account, reason))


@app.command()
def resume(account: Scope = EVERY_ACCOUNT, url: Url = "", key: Key = "") -> None:
    """Lift a pause; what waited goes on at once."""
    _run(commands.resume_trading(target_api(url, key), open_console(), account))


@app.command()
def rebuild(
    *,
    dry_run: DryRun = False,
    force: Annotated[bool, typer.Option("--force", help="Also when Redis is not empty: then as resync.")] = False,
    url: Url = "",
    key: Key = "",
) -> None:
    """Bring unfinished events back from PostgreSQL into a Redis that was emptied."""
    _run(mend(target_api(url, key), open_console(), "rebuild", dry_run=dry_run, force=force))


@app.command()
def resync(*, dry_run: DryRun = False, url: Url = "", key: Key = "") -> None:
    """Put a Redis right that went back in time; trading goes on afterwards."""
    _run(mend(target_api(url, key), open_console(), "resync", dry_run=dry_run))


def _refuse_unreadable(arguments: Sequence[str]) -> None:
    """End with 2 when an argument is not text, which the shell lets pass and no service can be asked for."""
    for argument in arguments:
        try:
            argument.encode("utf-8")
        except UnicodeEncodeError:
            open_console(stderr=True).print(f"{argument!r} is not UTF-8 text", style="red")
            raise SystemExit(2) from None


def _chosen(name: str) -> Scenario | None:
    if name and name not in EVERY_SCENARIO:
        raise typer.BadParameter(f"there is no {name!r}; there is {', '.join(EVERY_SCENARIO)}", param_hint="--scenario")
    return EVERY_SCENARIO.get(name)


def _run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    return asyncio.run(until_interrupted(work, open_console(stderr=True)))
