"""Attempts that this process has begun, so that none of them begins again.

The queue never gives an attempt twice, but a Redis that lost its last moments does: after a power failure, or with a
damaged append-only file, and unnoticed when history had not heard of them either. What such an attempt sent is at the
brokerage under its orderRefs, whether it came to its end or was cut short by the loss; so it must be counted as one
more, as after any crash.
"""

from collections import OrderedDict
from typing import Final
from uuid import UUID

from event_processor.attempt import AttemptOutcome, Delayed, Interrupted, Parked
from event_queue.errors import LeaseLost
from event_queue.events import RebalanceEvent

_MOST: Final = 1000
"""Those of the last moments matter; older ones are forgotten, oldest first."""


class BegunAttempts:
    """Remembers the latest attempts."""

    def __init__(self) -> None:
        """Know of none."""
        self._begun: OrderedDict[tuple[UUID, int], None] = OrderedDict()

    def begin(self, event: RebalanceEvent) -> None:
        """Begin an attempt that was not begun here before.

        Raises:
            LeaseLost: it was, so Redis is not the one that gave the lease; taken anew, it is recovered and counted.
        """
        attempt = (event.event_id, event.times_queued)
        if attempt in self._begun:
            raise LeaseLost(
                f"event {event.event_id} of {event.account_id} came back at attempt {event.times_queued}, which was "
                "begun before: Redis has forgotten what it acknowledged. The event is counted once more and tried again"
            )
        self._begun[attempt] = None
        if len(self._begun) > _MOST:
            self._begun.popitem(last=False)

    def end(self, event: RebalanceEvent, outcome: AttemptOutcome) -> None:
        """The queue knows how the attempt ended. One that was put aside as it was goes on under its number."""
        match outcome:
            case Delayed() | Parked(orders_sent=False) | Interrupted(orders_sent=False):
                self._begun.pop((event.event_id, event.times_queued), None)
            case _:
                """Its number is used up."""
