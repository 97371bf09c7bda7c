"""The `rebalancer` command."""

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import stamina.instrumentation
import typer

from rebalancer_cli.console import open_console
from rebalancer_cli.demo.run import run_demo
from rebalancer_cli.errors import CommandError, Interrupted
from rebalancer_cli.interruption import until_interrupted
from rebalancer_cli.operator import commands
from rebalancer_cli.operator.target import target_api
from rebalancer_cli.project import Project
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
    str, typer.Option(envvar="MANAGEMENT_API_KEY", help="Key for add, delete and preview. Default: this project's.")
]
Account = Annotated[str, typer.Argument(help="Account id, as in accounts.yaml.")]
ResultT = TypeVar("ResultT")


def main() -> None:
    """Entry point: errors that a person can act on are printed without a traceback."""
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
) -> None:
    """Rebalance two paper accounts and preview a third, end to end, in a simulated world."""
    project = Project.require(Path.cwd(), os.environ)
    arrived = _run(run_demo(project, open_console(), keep=keep))
    raise typer.Exit(0 if arrived else 1)


@app.command()
def status(url: Url = "") -> None:
    """Show the verdict, the counters and every component; exit 1 when unhealthy."""
    healthy = _run(commands.show_status(target_api(url), open_console()))
    raise typer.Exit(0 if healthy else 1)


@app.command()
def events(limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100, url: Url = "") -> None:
    """List the events that have not ended, in the order in which they will run."""
    _run(commands.list_events(target_api(url), open_console(), limit))


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


def _run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    return asyncio.run(until_interrupted(work, open_console(stderr=True)))
