"""Messages that wait for the gateway's pace, the most urgent first."""

from collections import deque
from typing import Final

_RANKS: Final = {
    **dict.fromkeys(("3", "4", "58"), 0),  # placeOrder, cancelOrder, reqGlobalCancel
    **dict.fromkeys(("9", "1"), 2),  # reqContractDetails, reqMktData
    "2": 3,  # cancelMktData
}
_OTHER: Final = 1
"""Questions about an account: few, and more depends on their answers than on those about one symbol."""


class Outbox(deque[str]):
    """Orders first, then accounts, then symbols, and quotes that are given back last; each kind in its own order."""

    def append(self, x: str, /) -> None:
        """Take the message in before the less urgent ones."""
        place = len(self)
        while place and _rank(self[place - 1]) > _rank(x):
            place -= 1
        self.insert(place, x)


def _rank(message: str) -> int:
    return _RANKS.get(message.partition("\0")[0], _OTHER)
