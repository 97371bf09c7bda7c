"""The end of the demonstration for people: each account before, target, after; orders; cash; the audit trail."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from rebalancer_cli.demo.story import AccountStory
from rebalancer_cli.operator.commands import component_words


def print_account(console: Console, story: AccountStory, found: list[str]) -> None:
    """Everything about one account."""
    mode = "rebalanced" if story.account.is_live else "previewed, nothing sent"
    console.rule(f"{story.account.account_id}  {story.account.channel}  ({mode})")
    console.print(_positions(story))
    console.print(_orders(story.result, live=story.account.is_live))
    _print_cash(console, story)
    print_audit(console, story)
    for words in found:
        console.print(f"not arrived: {words}", style="red")
    if not found:
        console.print("arrived" if story.account.is_live else "untouched, as a preview must", style="green")


def print_audit(console: Console, story: AccountStory) -> None:
    """The event's history, oldest first."""
    console.print(f"audit trail of event {story.event['event_id']}")
    for entry in story.history:
        console.print(f"  {entry['recorded_at']}  {entry['kind']}{_subject(entry)}")


def print_system(console: Console, health: Mapping[str, Any], status: Mapping[str, Any], found: list[str]) -> None:
    """What the HTTP API says of the whole."""
    console.rule("the system, by its HTTP API")
    console.print(f"GET /health        {health['status']}: {health['message']}")
    for name, part in health["components"].items():
        console.print(f"  {name:<9} {component_words(part)}")
    console.print("GET /queue/status  " + ", ".join(f"{key} {value}" for key, value in status.items()))
    for words in found:
        console.print(words, style="red")


def _positions(story: AccountStory) -> Table:
    table = Table("symbol", "weight", "price", "before", "target", "after", "drift", title_justify="left")
    for symbol in story.symbols:
        target, after = story.target_shares(symbol), story.after.positions.get(symbol, Decimal(0))
        table.add_row(
            symbol,
            f"{story.weights.get(symbol, Decimal(0)):.1%}",
            f"{story.prices[symbol]:,.2f}",
            f"{story.before.positions.get(symbol, Decimal(0)):f}",
            f"{target:,.2f}",
            f"{after:f}",
            f"{after - target:+.2f}",
        )
    return table


def _orders(result: Mapping[str, Any], *, live: bool) -> Table:
    title = "orders and fills" if live else "orders that a live run would send"
    table = Table("side", "shares", "symbol", "filled", "at", "commission", "reason", title=title, title_justify="left")
    for order in result.get("orders", []):
        table.add_row(
            order["action"],
            str(order["quantity"]),
            order["symbol"],
            str(order.get("filled_quantity", "-")),
            str(order.get("average_price", "-")),
            "-" if (commission := order.get("commission")) is None else str(commission),
            order.get("reason", ""),
        )
    return table


def _print_cash(console: Console, story: AccountStory) -> None:
    console.print(
        f"cash {story.before.cash:,.2f} -> {story.after.cash:,.2f}, "
        f"reserve {story.reserve:,.2f} ({story.account.reserve_percent} % of {story.after.net_liquidation:,.2f})"
    )


def _subject(entry: Mapping[str, Any]) -> str:
    details: Mapping[str, Any] = entry["details"]
    words = [str(details[key]) for key in ("side", "quantity", "symbol", "price", "status") if details.get(key)]
    return f"  {' '.join(words)}" if words else ""
