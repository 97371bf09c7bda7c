"""An event on its way in, among others."""

from dataclasses import dataclass

from event_queue.errors import QueueError
from event_queue.events import RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.outcomes import IntakeOutcome


@dataclass(frozen=True, slots=True)
class Arrival:
    """What `Intake.enqueue` is given for one event."""

    event: RebalanceEvent
    message: InboundMessage | None = None
    remember_while_in_flight: bool = False


Answer = IntakeOutcome | QueueError
"""What became of an arrival: its outcome, or why the queue has not taken it."""
