"""Which message of which channel an event comes from: by this it is recognised, also when Redis has lost its past."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A message as whoever carried it names it; written into the audit with the event."""

    channel: str
    message_id: str
    """Unique in its channel."""
    sent_at: datetime | None = None
    """When it was published; None when messages before it may not be taken in yet, so that nothing is concluded."""

    @property
    def identity(self) -> str:
        """What the queue recognises it by when it is delivered again, after a rewind or a resend."""
        return f"{self.channel}:{self.message_id}"
