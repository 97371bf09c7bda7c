"""Did every account arrive? Judged by the simulated world's figures, not by what the system says of itself."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rebalancer_cli.demo.story import AccountStory

_SHARES_OFF = Decimal(1)
_PRICE_MOVE = Decimal("0.002")
"""Prices in the simulated world move a little while orders fill; targets move with them."""


def objections(story: AccountStory) -> list[str]:
    """Everything that keeps an account from having arrived; empty when it has."""
    found = _said_by_the_system(story.event)
    return found + (_live_objections(story) if story.account.is_live else _preview_objections(story))


def system_objections(health: Mapping[str, Any], status: Mapping[str, Any]) -> list[str]:
    """Everything that keeps the system from being idle and healthy."""
    found = [] if health["healthy"] else [f"the system is {health['status']}: {health['message']}"]
    busy = {key: status[key] for key in ("queue_length", "active_events_count", "processing", "delayed") if status[key]}
    return found + [f"{key} is {value}, not 0" for key, value in busy.items()]


def _said_by_the_system(event: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    if event["status"] != "completed":
        found.append(f"the event is {event['status']}")
    if event["result"].get("status") != "success":
        found.append(f"the result is {event['result'].get('status')}: {event['result'].get('message')}")
    return found


def _live_objections(story: AccountStory) -> list[str]:
    found = [words for symbol in story.symbols if (words := _off_target(story, symbol))]
    if story.after.cash < story.reserve * (1 - _PRICE_MOVE * 10):
        found.append(f"cash {story.after.cash} is below the reserve {story.reserve:.2f}")
    if story.orders_sent == 0:
        found.append("nothing was traded")
    return found


def _off_target(story: AccountStory, symbol: str) -> str:
    target, held = story.target_shares(symbol), story.after.positions.get(symbol, Decimal(0))
    allowed = _SHARES_OFF + target * _PRICE_MOVE
    return "" if abs(held - target) <= allowed else f"{symbol}: holds {held}, target {target:.2f}"


def _preview_objections(story: AccountStory) -> list[str]:
    found: list[str] = []
    if story.orders_sent:
        found.append(f"a preview sent {story.orders_sent} orders")
    if story.before.positions != story.after.positions:
        found.append("a preview changed positions")
    if not story.event["result"].get("orders"):
        found.append("the preview proposes nothing")
    return found
