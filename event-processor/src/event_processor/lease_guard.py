"""The last look before anything is sent to the brokerage: is the lease still ours, and may new work begin?"""

import asyncio
from typing import Final

from event_processor.errors import Stopping
from event_queue.errors import LeaseLost

MARGIN_SECONDS: Final = 1.0
"""The guard gives the lease up this much before Redis does, so that an order on its way cannot outlive it."""


class LeaseGuard:
    """Knows until when the lease is certainly ours, by the monotonic clock of the event loop.

    Redis cannot stop an order of a worker that was suspended past its lease; this local deadline can.
    """

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._deadline = float("-inf")

    def extend(self, asked_at: float, ttl_seconds: float) -> None:
        """The lease was granted in answer to a request sent at `asked_at` (loop time)."""
        self._deadline = asked_at + ttl_seconds - MARGIN_SECONDS

    def give_up(self) -> None:
        """From now on it is not ours, however long it was granted for."""
        self._deadline = float("-inf")

    @property
    def remaining_seconds(self) -> float:
        """How long the lease is certainly ours; negative when it no longer is."""
        return self._deadline - asyncio.get_running_loop().time()

    @property
    def is_stopping(self) -> bool:
        """True once the service is to stop."""
        return self._stop.is_set()

    async def until_stopping(self) -> None:
        """Wait until it is."""
        await self._stop.wait()

    def require_lease(self) -> None:
        """Before finishing what was begun, such as cancelling the rest of our own order.

        Raises:
            LeaseLost: the lease may have passed on.
        """
        if self.remaining_seconds <= 0:
            raise LeaseLost("the worker's lease could not be renewed in time; nothing more may be sent")

    def require_running(self) -> None:
        """Before beginning something new, such as an order.

        Raises:
            LeaseLost: the lease may have passed on.
            Stopping: the service is shutting down.
        """
        self.require_lease()
        if self._stop.is_set():
            raise Stopping("the service is shutting down; nothing new is started")
