"""Who may cancel what at a paper brokerage: every order through the id that placed it."""

from collections import Counter

from broker_connector_base.errors import ForeignOrderOpen
from broker_connector_base.testing.paper_order import PaperOrder

BY_HAND = "0"
"""The owner of orders that a person placed: the id through which a brokerage lets them be cancelled."""


class PaperOwners:
    """Ids with a session of their own; nobody else can connect under them meanwhile."""

    def __init__(self) -> None:
        self._sessions: Counter[str] = Counter()

    def occupy(self, owner: str) -> None:
        """A session under this id begins."""
        self._sessions[owner] += 1

    def leave(self, owner: str) -> None:
        """A session under this id ends."""
        self._sessions[owner] -= 1

    def require_free(self, order: PaperOrder) -> None:
        """Refuse to connect as the owner of an order while somebody else is.

        Raises:
            ForeignOrderOpen: naming the order and the id.
        """
        if self._sessions[order.owner] > 0:
            request = order.request
            raise ForeignOrderOpen(
                f"order {order.order_id} ({request.side} {request.quantity} {request.symbol}) on {request.account_id} "
                f"was placed under id {order.owner}, which is in use; end that session, or cancel the order there"
            )
