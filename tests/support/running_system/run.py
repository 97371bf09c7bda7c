"""What one signal came to: the event as the API shows it, and what reached the brokerage meanwhile."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from running_system.management import Event
from sandbox.world import JournalEntry

Leg = tuple[str, int, str]
"""Side, shares, symbol."""


@dataclass(frozen=True, slots=True)
class Run:
    """One event and the journal of its account while it ran."""

    event: Event
    journal: Sequence[JournalEntry]

    @property
    def result(self) -> dict[str, Any]:
        """The event's result."""
        return self.event["result"]

    @property
    def orders(self) -> list[Leg]:
        """Every placeOrder by side and symbol, since orders of one side go out together.

        Raises:
            AssertionError: a buy went out before a sell.
        """
        placed = legs_of(self.journal)
        sides = [side for side, _, _ in placed]
        if sides != sorted(sides, reverse=True):
            raise AssertionError(f"a buy went out before a sell: {placed}")
        return sorted(placed, key=lambda leg: (leg[0] == "BUY", leg[2]))

    @property
    def cancels(self) -> int:
        """How many cancelOrder arrived."""
        return sum(entry.kind in ("cancel_order", "global_cancel") for entry in self.journal)


def legs_of(entries: Iterable[JournalEntry]) -> list[Leg]:
    """Every placeOrder in the order of arrival."""
    return [
        (entry.details["side"], int(entry.details["quantity"]), entry.symbol)
        for entry in entries
        if entry.kind == "place_order"
    ]
