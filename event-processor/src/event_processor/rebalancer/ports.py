"""What the rebalancer needs from the worker around it."""

from collections.abc import Callable
from typing import Protocol

from broker_connector_base import Fill, MarginEffect, OrderRequest, OrderResult
from event_queue.outcomes import LastTrade
from service_runtime.clock import Clock

__all__ = ["Clock", "Guard", "Recorder", "RefMaker"]

RefMaker = Callable[[str, str], str]
"""Side and symbol to an orderRef that no other order of any attempt carries."""


class Guard(Protocol):
    """Asked before everything that is sent to the brokerage."""

    def require_running(self) -> None:
        """Raise unless something new, such as an order, may be begun."""
        ...

    def require_lease(self) -> None:
        """Raise unless what was begun may be finished."""
        ...


class Recorder(Protocol):
    """Writes down what an attempt does, each record before or right after the deed.

    A record that cannot be written raises, so that nothing is sent of which no trace exists.
    """

    async def intent(self, request: OrderRequest, reason: str, effect: MarginEffect | None = None) -> None:
        """An order is about to be sent; with its margin effect when the broker was asked for it.

        Raises:
            TradingPaused: an operator has paused the account; nothing was written and nothing may be sent.
        """
        ...

    async def unsent(self, request: OrderRequest, reason: str) -> None:
        """An order that was written down has certainly not been sent, and never will be."""
        ...

    async def unconfirmed(self, request: OrderRequest, reason: str) -> None:
        """An order that was written down may have been sent, and this attempt will not learn what became of it."""
        ...

    async def result(self, result: OrderResult) -> None:
        """What became of an order, with its fills."""
        ...

    async def earlier_fills(self, fills: tuple[Fill, ...]) -> None:
        """Executions found at the brokerage, of this event and of others: each is written down once."""
        ...

    async def last_trade(self) -> LastTrade | None:
        """The account's latest trading day as far as it was written down or is expected, over all events."""
        ...
