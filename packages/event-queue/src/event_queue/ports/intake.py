"""The way into the queue."""

from collections.abc import Sequence
from typing import Protocol

from event_queue.arrival import Answer, Arrival
from event_queue.events import RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.outcomes import IntakeOutcome


class Intake(Protocol):
    """Takes events in: used by every source of triggers."""

    async def enqueue(
        self,
        event: RebalanceEvent,
        *,
        message: InboundMessage | None = None,
        remember_while_in_flight: bool = False,
    ) -> IntakeOutcome:
        """Queue the event unless its account and command are active, in one atomic step that is also audited.

        Args:
            event: a new event, `times_queued` 1.
            message: the inbound message it comes from; the same one is taken in at most once per account.
            remember_while_in_flight: True for Ably: when the twin is in work, or the queue is halted and nobody knows
                what became of the twin, remember this newer signal.

        Raises:
            QueueFull: Redis is at its memory limit; nothing was changed.
            QueueUnavailable: no answer; repeat with the same event.
        """
        ...

    async def enqueue_all(self, arrivals: Sequence[Arrival]) -> Sequence[Answer]:
        """Offer many events, in their order and with few waits; each is taken in, or not, as `enqueue` would.

        Returns:
            For each arrival its outcome, or the error that `enqueue` would have raised. One that is refused keeps none
            of those behind it out. After QueueUnavailable it is unknown whether the event was taken in: offer it again.
        """
        ...
