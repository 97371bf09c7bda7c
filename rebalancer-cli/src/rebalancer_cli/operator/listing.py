"""events, history: what is in the queue, and what ever was, read page by page up to a limit."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from rebalancer_cli.stack.management_api import ManagementApi

_MOST_LIVING = 1000
_MOST_PAST = 200
"""What the service gives in one answer."""
_LIVING = ("event_id", "account_id", "exec_command", "state", "times_queued", "created_at")
_PAST = ("event_id", "account_id", "exec_command", "status", "times_queued", "created_at", "completed_at")


async def list_events(api: ManagementApi, console: Console, limit: int, *, as_json: bool = False) -> None:
    """Print the living events in the order in which they will run."""
    async with api:
        events = [event async for event in _living(api, limit)]
    _show(console, _LIVING, events, as_json=as_json)


async def list_history(
    api: ManagementApi, console: Console, filters: Mapping[str, str], limit: int, *, as_json: bool = False
) -> None:
    """Print events of the past and the present that fit the filters, youngest first."""
    async with api:
        events = [event async for event in _past(api, filters, limit)]
    _show(console, _PAST, events, as_json=as_json)


async def _living(api: ManagementApi, limit: int) -> AsyncIterator[dict[str, Any]]:
    """Each event once, although the queue may move between two pages."""
    told: set[str] = set()
    for offset in range(0, limit, _MOST_LIVING):
        asked = min(_MOST_LIVING, limit - offset)
        page = await api.events(asked, offset=offset)
        for event in page:
            if event["event_id"] not in told:
                yield event
            told.add(event["event_id"])
        if len(page) < asked:
            return


async def _past(api: ManagementApi, filters: Mapping[str, str], limit: int) -> AsyncIterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    while limit > 0:
        page = await api.history({**filters, **cursor, "limit": str(min(limit, _MOST_PAST))})
        for event in page["events"]:
            yield event
        limit -= len(page["events"])
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def _show(console: Console, columns: tuple[str, ...], events: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        console.print(json.dumps(events, indent=2))
        return
    table = Table(*(_heading(column) for column in columns))
    for event in events:
        table.add_row(*(_words(event.get(column)) for column in columns))
    console.print(table if table.row_count else "no events")


def _heading(column: str) -> str:
    short = {"event_id": "event", "account_id": "account", "exec_command": "command", "times_queued": "queued"}
    return short.get(column, column.removesuffix("_at"))


def _words(value: object) -> str:
    return "" if value is None else str(value)
