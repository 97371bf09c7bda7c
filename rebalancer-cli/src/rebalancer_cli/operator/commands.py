"""status, events, add, delete, watch, preview: each one question or order to the management service."""

import asyncio
import json
from typing import Any

import stamina
from rich.console import Console
from rich.table import Table

from rebalancer_cli.errors import EventStillRunning
from rebalancer_cli.stack.management_api import ManagementApi

FINAL_STATUSES = frozenset({"completed", "skipped", "deleted"})
_WATCH_SECONDS = 2.0


class _Unchanged(Exception):
    """Nothing to end the watch: look again."""


async def show_status(api: ManagementApi, console: Console) -> bool:
    """Print the verdict, the counters and every component; True when healthy."""
    health, status = await asyncio.gather(api.health(), api.queue_status())
    colour = "green" if health["healthy"] else "red"
    console.print(f"[{colour}]{health['status']}[/]: {health['message']}")
    console.print(_table("queue", [(key, str(value)) for key, value in status.items()]))
    components = health.get("components", {})
    console.print(_table("components", [(name, _component_words(part)) for name, part in components.items()]))
    return bool(health["healthy"])


async def list_events(api: ManagementApi, console: Console, limit: int) -> None:
    """Print the living events in the order in which they will run."""
    table = Table("event", "account", "command", "queued", "created")
    for event in await api.events(limit):
        table.add_row(
            event["event_id"],
            event["account_id"],
            event["exec_command"],
            str(event["times_queued"]),
            event["created_at"],
        )
    console.print(table)


async def add_event(api: ManagementApi, console: Console, account_id: str, command: str) -> str:
    """Queue an event and print its id."""
    event = await api.add(account_id, command)
    console.print(f"queued {event['exec_command']} for {event['account_id']}: {event['event_id']}")
    return event["event_id"]


async def delete_event(api: ManagementApi, console: Console, event_id: str) -> None:
    """Remove a waiting event."""
    event = await api.delete(event_id)
    console.print(f"removed {event['exec_command']} for {event['account_id']}: {event['event_id']}")


async def watch(api: ManagementApi, console: Console) -> None:
    """Print the counters whenever they change, until interrupted."""
    seen: dict[str, Any] = {}
    async for attempt in stamina.retry_context(
        on=EventStillRunning,
        attempts=None,
        timeout=None,
        wait_initial=_WATCH_SECONDS,
        wait_max=_WATCH_SECONDS,
        wait_jitter=0,
    ):
        with attempt:
            status = await api.queue_status()
            counters = {key: value for key, value in status.items() if key != "oldest_event_age_seconds"}
            if counters != seen:
                console.print(json.dumps(status))
            seen = counters
            raise _Unchanged


async def preview(api: ManagementApi, console: Console, account_id: str, *, timeout_seconds: float) -> None:
    """Queue a preview for an account, wait for it, and print what would be done."""
    event_id = await add_event(api, console, account_id, "print-rebalance")
    event = await wait_for_result(api, event_id, timeout_seconds=timeout_seconds)
    console.print_json(json.dumps(event["result"]))


async def wait_for_result(api: ManagementApi, event_id: str, *, timeout_seconds: float) -> dict[str, Any]:
    """Wait until an event has ended and its result has reached the audit.

    Raises:
        EventStillRunning: it has not ended in time.
    """
    async for attempt in stamina.retry_context(
        on=EventStillRunning, attempts=None, timeout=timeout_seconds, wait_initial=0.1, wait_max=0.3, wait_jitter=0
    ):
        with attempt:
            event = await api.event(event_id)
            if event.get("status") in FINAL_STATUSES and event.get("result") is not None:
                return event
            raise EventStillRunning(f"event {event_id} is {event.get('status')}; ask again with `rebalancer events`")
    raise EventStillRunning(f"event {event_id} has not ended within {timeout_seconds:.0f} s")


def _table(title: str, rows: list[tuple[str, str]]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    for row in rows:
        table.add_row(*row)
    return table


def _component_words(part: dict[str, Any]) -> str:
    return f"{part.get('status', '')}  {part.get('detail', '')}".strip()
