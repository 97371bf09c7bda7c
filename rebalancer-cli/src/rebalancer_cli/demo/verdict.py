"""Did every account arrive? Judged by the simulated world's figures, not by what the system says of itself."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rebalancer_cli.demo.story import AccountStory

_SHARES_OFF = Decimal(1)
_PRICE_MOVE = Decimal("0.002")
"""Prices in the simulated world move a little while orders fill; targets move with them."""
_RESERVE_OFF = Decimal("0.02")
"""Share of the reserve that fills and commissions may take."""
_COUNTERS_AT_REST = ("queue_length", "active_events_count", "processing", "delayed", "events_with_retries")


def objections(story: AccountStory) -> list[str]:
    """Everything that keeps an account from having arrived; empty when it has."""
    found = _said_by_the_system(story)
    return found + (arrival_objections(story) if story.account.is_live else _preview_objections(story))


def system_objections(health: Mapping[str, Any], status: Mapping[str, Any]) -> list[str]:
    """Everything that keeps the system from being whole, idle and healthy."""
    found = [] if health["healthy"] else [f"the system is {health['status']}: {health['message']}"]
    components: Mapping[str, Mapping[str, Any]] = health["components"]
    unwell = {name: part for name, part in components.items() if part["status"] != "ok"}
    found += [f"{name} is {part['status']}: {part['detail']}" for name, part in unwell.items()]
    return found + [f"{key} is {status[key]}, not 0" for key in _COUNTERS_AT_REST if status[key]]


def arrival_objections(story: AccountStory) -> list[str]:
    """Everything that keeps a traded account from its targets, by the simulated world's figures alone."""
    found = [words for symbol in story.symbols if (words := _off_target(story, symbol))]
    found += reserve_objections(story)
    if story.orders_sent == 0:
        found.append("nothing was traded")
    return found


def reserve_objections(story: AccountStory) -> list[str]:
    """A reserve that was spent."""
    if story.after.cash >= story.reserve * (1 - _RESERVE_OFF):
        return []
    return [f"cash {story.after.cash} is below the reserve {story.reserve:.2f}"]


def _said_by_the_system(story: AccountStory) -> list[str]:
    found: list[str] = []
    if story.event["status"] != "completed":
        found.append(f"the event is {story.event['status']}")
    if story.result.get("status") != "success":
        found.append(f"the result is {story.result.get('status')}: {story.result.get('message')}")
    kinds = [entry["kind"] for entry in story.history]
    if kinds[:1] != ["queued"] or kinds[-1:] != ["completed"]:
        found.append(f"the audit trail is not whole: {', '.join(kinds) or 'empty'}")
    intents = kinds.count("order_intent")
    if intents != story.orders_sent:
        found.append(f"the audit trail tells of {intents} orders, the gateway was sent {story.orders_sent}")
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
    if story.before.cash != story.after.cash:
        found.append("a preview changed the cash")
    if not story.result.get("orders"):
        found.append("the preview proposes nothing")
    return found
