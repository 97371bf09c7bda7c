"""Progress as it happens, from the services' own log lines."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, cast

from rich.console import Console

_SHOWN: Mapping[str, str] = {
    "event_queued": "{account_id}  signal taken in as event {event_id}",
    "event_started": "{account_id}  {command} starts",
    "order_sent": "{account_id}  order sent: {side} {quantity} {symbol}",
    "sells_done": "{account_id}  sells done, {spendable} to spend",
    "open_order_cancelled": "{account_id}  cancelled an order left open: {order}",
    "event_completed": "{account_id}  {message}",
    "attempt_failed": "{account_id}  failed: {error}",
    "event_requeued": "{account_id}  will be tried again in {pause_seconds} s",
    "event_parked": "{account_id}  waits until trading is resumed: {reason}",
    "event_skipped": "{account_id}  skipped: {message}",
    "event_delayed": "{account_id}  waits until {until}: {reason}",
}


class Progress:
    """Listens to the processes; shows what a watcher cares about and remembers which events were queued."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._queued: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def hear(self, _process: str, line: str) -> None:
        """Take one line of a process's output; what is not a log entry is passed over."""
        try:
            entry = json.loads(line)
        except ValueError:
            return
        if isinstance(entry, dict):
            self._show(_Lenient(cast("dict[str, Any]", entry)))

    async def queued_event(self) -> tuple[str, str]:
        """Account and id of the next event that was queued."""
        return await self._queued.get()

    def _show(self, entry: "_Lenient") -> None:
        name = entry["event"]
        if name == "event_queued":
            self._queued.put_nowait((entry["account_id"], entry["event_id"]))
        if isinstance(name, str) and name in _SHOWN:
            self._console.print("  " + _SHOWN[name].format_map(entry))


class _Lenient(dict[str, Any]):
    """A log entry in which a missing field reads as an empty one."""

    def __missing__(self, _key: str) -> str:
        return ""
