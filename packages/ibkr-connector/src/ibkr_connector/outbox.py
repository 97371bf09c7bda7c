"""Messages that wait for the gateway's pace, the most urgent first."""

from collections import deque
from typing import Final

_ABOUT_ORDERS: Final = frozenset({"3", "4", "58"})
"""placeOrder, cancelOrder and reqGlobalCancel."""
_CAN_WAIT: Final = frozenset({"2"})
"""cancelMktData."""


class Outbox(deque[str]):
    """Orders and cancellations before questions, and quotes given back last; each kind in its own order."""

    def append(self, x: str, /) -> None:
        """Take the message in before the less urgent ones."""
        place = len(self)
        while place and _rank(self[place - 1]) > _rank(x):
            place -= 1
        self.insert(place, x)


def _rank(message: str) -> int:
    kind = message.partition("\0")[0]
    if kind in _ABOUT_ORDERS:
        return 0
    return 2 if kind in _CAN_WAIT else 1
