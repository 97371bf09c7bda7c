"""Attempts that this process has brought to an end, so that none of them begins again.

The queue never gives an ended attempt again, but a Redis that lost its last moments does: after a power failure, or
with a damaged append-only file, and unnoticed when history had not heard of them either. What such an attempt sent
is at the brokerage under its orderRefs; so it must be counted as one more, as after any crash.
"""

from typing import Final
from uuid import UUID

from event_processor.attempt import AttemptOutcome, Completed, Failed, Skipped
from event_queue.errors import LeaseLost
from event_queue.events import RebalanceEvent

_MOST: Final = 1000
"""Those of the last moments matter; older ones are forgotten, oldest first."""


class EndedAttempts:
    """Remembers the latest ends."""

    def __init__(self) -> None:
        """Know of none."""
        self._ended: dict[tuple[UUID, int], None] = {}

    def require_new(self, event: RebalanceEvent) -> None:
        """Allow an attempt that has not ended here.

        Raises:
            LeaseLost: it has, so Redis is not the one that gave the lease; taken anew, it is recovered and counted.
        """
        if (event.event_id, event.times_queued) in self._ended:
            raise LeaseLost(
                f"event {event.event_id} of {event.account_id} came back at attempt {event.times_queued}, which has "
                "ended: Redis has forgotten what it acknowledged. The event is counted once more and tried again"
            )

    def add(self, event: RebalanceEvent, outcome: AttemptOutcome) -> None:
        """The queue knows how the attempt ended; one that was only put aside has not ended."""
        if isinstance(outcome, Completed | Skipped | Failed):
            self._ended[event.event_id, event.times_queued] = None
            if len(self._ended) > _MOST:
                del self._ended[next(iter(self._ended))]
