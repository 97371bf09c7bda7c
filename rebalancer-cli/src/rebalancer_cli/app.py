"""The `rebalancer` command."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import stamina.instrumentation
import typer
from rich.console import Console

from rebalancer_cli.demo.run import run_demo
from rebalancer_cli.errors import CommandError
from rebalancer_cli.operator import commands
from rebalancer_cli.stack.management_api import ManagementApi
from rebalancer_cli.up import plan_up, up

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keep IBKR accounts at their model portfolio.",
)

Url = Annotated[str, typer.Option(envvar="MANAGEMENT_URL", help="Address of the management service.")]
Key = Annotated[str, typer.Option(envvar="MANAGEMENT_API_KEY", help="Key for add, delete and preview.")]
_DEFAULT_URL = "http://127.0.0.1:8000"


def main() -> None:
    """Entry point: errors that a person can act on are printed without a traceback."""
    stamina.instrumentation.set_on_retry_hooks([])  # waiting for a service to answer is no news
    try:
        app()
    except CommandError as error:
        Console(stderr=True).print(f"[red]{error}[/]", highlight=False)
        raise SystemExit(1) from None


@app.command("up")
def up_command(
    *,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Add the simulated gateway, Ably and allocations.")
    ] = False,
) -> None:
    """Run Redis, PostgreSQL and the three services here, until Ctrl-C."""
    asyncio.run(up(plan_up(Path.cwd(), simulated=sandbox), Console(highlight=False)))


@app.command()
def demo(
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running at the end, and print the URLs.")] = False,
) -> None:
    """Rebalance two paper accounts and preview a third, end to end, in a simulated world."""
    arrived = asyncio.run(run_demo(Path.cwd(), Console(highlight=False), keep=keep))
    raise typer.Exit(0 if arrived else 1)


@app.command()
def status(url: Url = _DEFAULT_URL) -> None:
    """Show the verdict, the counters and every component; exit 1 when unhealthy."""
    console = Console(highlight=False)
    results: list[bool] = []

    async def ask(api: ManagementApi) -> None:
        results.append(await commands.show_status(api, console))

    _ask(url, None, ask)
    raise typer.Exit(0 if results == [True] else 1)


@app.command()
def events(limit: int = 100, url: Url = _DEFAULT_URL) -> None:
    """List the events that have not ended, in the order in which they will run."""
    _ask(url, None, lambda api: commands.list_events(api, Console(highlight=False), limit))


@app.command()
def add(account: str, command: str = "print-rebalance", url: Url = _DEFAULT_URL, key: Key = "") -> None:
    """Queue an event; without a command a preview, which never trades."""
    _ask(url, key, lambda api: commands.add_event(api, Console(highlight=False), account, command))


@app.command()
def delete(event_id: str, url: Url = _DEFAULT_URL, key: Key = "") -> None:
    """Remove a waiting event."""
    _ask(url, key, lambda api: commands.delete_event(api, Console(highlight=False), event_id))


@app.command()
def watch(url: Url = _DEFAULT_URL) -> None:
    """Print the queue's counters whenever they change."""
    _ask(url, None, lambda api: commands.watch(api, Console(highlight=False)))


@app.command()
def preview(account: str, url: Url = _DEFAULT_URL, key: Key = "", timeout_seconds: float = 120) -> None:
    """Queue a preview for an account and print what a rebalance would do."""
    console = Console(highlight=False)
    _ask(url, key, lambda api: commands.preview(api, console, account, timeout_seconds=timeout_seconds))


def _ask(url: str, key: str | None, question: Callable[[ManagementApi], Awaitable[object]]) -> None:
    async def session() -> None:
        async with ManagementApi(url, key or os.environ.get("MANAGEMENT_API_KEY")) as api:
            await question(api)

    asyncio.run(session())
