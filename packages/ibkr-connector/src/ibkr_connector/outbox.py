"""Messages that wait for the gateway's pace, the most urgent first."""

from collections import deque
from typing import Final

_CANCELLATIONS: Final = frozenset(("4", "58"))
"""cancelOrder, reqGlobalCancel."""
_RANKS: Final = {
    **dict.fromkeys(_CANCELLATIONS, 0),
    "3": 1,  # placeOrder, which passes through here only when it asks what an order would do
    **dict.fromkeys(("9", "1"), 3),  # reqContractDetails, reqMktData
    "2": 4,  # cancelMktData
}
_OTHER: Final = 2
"""Questions about an account: few, and more depends on their answers than on those about one symbol."""


class Outbox(deque[str]):
    """Cancellations first, then orders, accounts, symbols, and quotes that are given back; each kind in its order."""

    def append(self, x: str, /) -> None:
        """Take the message in before the less urgent ones."""
        place = len(self)
        while place and _rank(self[place - 1]) > _rank(x):
            place -= 1
        self.insert(place, x)

    @property
    def has_cancellation(self) -> bool:
        """Whether the next message to leave is one."""
        return bool(self) and _kind(self[0]) in _CANCELLATIONS


def _rank(message: str) -> int:
    return _RANKS.get(_kind(message), _OTHER)


def _kind(message: str) -> str:
    return message.partition("\0")[0]
