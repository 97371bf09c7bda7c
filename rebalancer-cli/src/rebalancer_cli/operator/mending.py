"""rebuild, resync: putting the queue right after Redis was emptied or went back in time."""

from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from rebalancer_cli.stack.management_api import ManagementApi

_VERDICTS = {
    "agrees": "Redis and PostgreSQL agree",
    "new": "neither Redis nor PostgreSQL holds anything",
    "redis_lost": "Redis was emptied",
    "redis_went_back": "Redis went back in time",
    "history_lost": "PostgreSQL has lost records",
    "keys_lost": "Redis lost some of the keys that hold its events",
}
_ACTIONS = {
    "returns": "comes back",
    "corrected": "set to what history knows",
    "ends": "goes: it has ended",
    "told": "told to PostgreSQL",
}
_KEPT = {
    "message_receipts": "receipts of messages",
    "event_receipts": "of files and requests",
    "fill_receipts": "of executions",
    "traded_events": "events that sent orders",
    "trading_days": "accounts' trading days",
    "channels": "channels' progress",
}
Mending = Literal["rebuild", "resync"]


async def mend(api: ManagementApi, console: Console, what: Mending, *, dry_run: bool, force: bool = False) -> None:
    """Show, as a table, what the service does or would do."""
    async with api:
        told = await api.mend(what, dry_run=dry_run, force=force)
    console.print(_verdict(told), style="green" if told["verdict"] in ("agrees", "new") else "yellow")
    if told["events"]:
        console.print(_events(told))
    if told["pauses"]:
        console.print(f"trading stays paused for {', '.join(told['pauses'])}")
    if told["kept"]:
        console.print(_kept(told["kept"], is_done=told["done"]))
    if told["moved_records"]:
        console.print(f"{told['moved_records']} records of Redis go behind those of PostgreSQL")
    console.print(_closing(told, dry_run=dry_run))


def _verdict(told: dict[str, Any]) -> str:
    redis = "none" if told["redis_counter"] is None else told["redis_counter"]
    words = _VERDICTS.get(told["verdict"], told["verdict"])
    halted = "; nothing is traded" if told["halted"] else ""
    return f"{words}{halted} (last record: {redis} in Redis, {told['history_counter']} in PostgreSQL)"


def _events(told: dict[str, Any]) -> Table:
    table = Table("event", "account", "command", "queued", "what", "then")
    for event in told["events"]:
        table.add_row(
            event["event_id"],
            event["account_id"],
            event["exec_command"],
            str(event["times_queued"]),
            _ACTIONS.get(event["action"], event["action"]),
            _place(event),
        )
    return table


def _kept(kept: dict[str, int], *, is_done: bool) -> str:
    counted = ", ".join(f"{kept[name]} {words}" for name, words in _KEPT.items())
    return f"history {'gave' if is_done else 'gives'} back besides: {counted}"


def _place(event: dict[str, Any]) -> str:
    if event["ended_as"]:
        return event["ended_as"]
    if event["waits_for_trading"]:
        return "waits for trading to be resumed"
    if event["action"] == "told":
        return "stays where it is"
    return f"delayed until {event['due_at']}" if event["due_at"] else "waits in line"


def _closing(told: dict[str, Any], *, dry_run: bool) -> str:
    total = sum(told["counts"].values())
    if told["done"]:
        return f"done: {total} events; trading goes on"
    if told["verdict"] in ("agrees", "new") and not told["halted"]:
        return "nothing to do"
    return f"{total} events; nothing was changed" if dry_run else "nothing was changed"
