"""status, add, delete, pause, resume, watch, preview: each one question or order to the management service."""

import asyncio
import json
from typing import Any

from rich.console import Console
from rich.table import Table

from rebalancer_cli.asking import ask_until
from rebalancer_cli.errors import EventNotEnded, EventUnknown, ServiceRefused
from rebalancer_cli.stack.management_api import ManagementApi

FINAL_STATUSES = frozenset({"completed", "skipped", "deleted"})
_WATCH_SECONDS = 2.0


async def show_status(api: ManagementApi, console: Console) -> bool:
    """Print the verdict, the counters and every component; True when healthy."""
    async with api:
        health = await api.health()
        console.print(f"{health['status']}: {health['message']}", style="green" if health["healthy"] else "red")
        components = health.get("components", {})
        console.print(_table("components", [(name, component_words(part)) for name, part in components.items()]))
        try:
            counters = await api.queue_status()
        except ServiceRefused as refusal:
            console.print(f"no counters: {refusal}", style="red")
            return False
        console.print(_table("queue", [(key, str(value)) for key, value in counters.items()]))
    return bool(health["healthy"])


async def add_event(api: ManagementApi, console: Console, account_id: str, command: str) -> None:
    """Queue an event and print its id."""
    async with api:
        await _add(api, console, account_id, command)


async def delete_event(api: ManagementApi, console: Console, event_id: str) -> None:
    """Remove a waiting event."""
    async with api:
        event = await api.delete(event_id)
    console.print(f"removed {event['exec_command']} for {event['account_id']}: {event['event_id']}")


async def pause_trading(api: ManagementApi, console: Console, scope: str, reason: str) -> None:
    """Stop trading for one account or for `all`; what waits, waits on."""
    async with api:
        pause = await api.pause(scope, reason)
    console.print(f"trading paused for {scope} since {pause['since']}: {pause['reason']}")


async def resume_trading(api: ManagementApi, console: Console, scope: str) -> None:
    """Let one account, or `all`, trade again; what waited goes on at once."""
    async with api:
        await api.resume(scope)
    console.print(f"trading resumed for {scope}")


async def watch(api: ManagementApi, console: Console, *, pause_seconds: float = _WATCH_SECONDS) -> None:
    """Print the counters whenever they change, until cancelled.

    Raises:
        ServiceUnreachable: the service went away.
    """
    seen: dict[str, Any] = {}
    async with api:
        while True:
            status = await api.queue_status()
            counters = {key: value for key, value in status.items() if key != "oldest_event_age_seconds"}
            if counters != seen:
                console.print(json.dumps(status))
            seen = counters
            await asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=pause_seconds)


async def preview(api: ManagementApi, console: Console, account_id: str, *, timeout_seconds: float) -> None:
    """Queue a preview for an account, wait for it, and print what would be done."""
    async with api:
        event_id = await _add(api, console, account_id, "print-rebalance")
        event = await wait_for_result(api, event_id, timeout_seconds=timeout_seconds)
    console.print(json.dumps(event["result"], indent=2, ensure_ascii=False))


async def wait_for_result(api: ManagementApi, event_id: str, *, timeout_seconds: float) -> dict[str, Any]:
    """Wait until an event has ended and its result has reached the history.

    Raises:
        EventNotEnded: its attempt failed, or it has not ended in time.
    """

    async def ask() -> dict[str, Any]:
        try:
            return await api.event(event_id)
        except EventUnknown:
            return {"status": "in neither queue nor history (`rebalancer status` tells whether the relay is well)"}

    event = await ask_until(ask, _is_decided, timeout_seconds=timeout_seconds)
    if _has_ended(event):
        return event
    if _has_failed(event):
        why = event.get("error_message") or "the log of the event-processor tells why"
        raise EventNotEnded(f"event {event_id} failed and will be tried again: {why}")
    raise EventNotEnded(f"event {event_id} is {event.get('status')} after {timeout_seconds:.0f} s")


def component_words(part: dict[str, Any]) -> str:
    """A component's state and what it says of itself."""
    return f"{part.get('status', '')}  {part.get('detail', '')}".strip()


async def _add(api: ManagementApi, console: Console, account_id: str, command: str) -> str:
    event = await api.add(account_id, command)
    console.print(f"queued {event['exec_command']} for {event['account_id']}: {event['event_id']}")
    return event["event_id"]


def _is_decided(event: dict[str, Any]) -> bool:
    return _has_ended(event) or _has_failed(event)


def _has_ended(event: dict[str, Any]) -> bool:
    return event.get("status") in FINAL_STATUSES and (event.get("result") is not None or event["status"] == "deleted")


def _has_failed(event: dict[str, Any]) -> bool:
    return event.get("status") not in FINAL_STATUSES and event.get("times_queued", 1) > 1


def _table(title: str, rows: list[tuple[str, str]]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    for row in rows:
        table.add_row(*row)
    return table
