"""An inbound message, before it is ours."""

from dataclasses import dataclass
from datetime import datetime

from event_queue.inbound_message import InboundMessage
from event_queue.progress import Progress


@dataclass(frozen=True, slots=True)
class Trigger:
    """One message of one channel."""

    channel: str
    message_id: str | None
    """Unique in its channel, given by whoever carried the message; None when it gave none, so it cannot be told from a
    repetition."""
    payload: object
    """As it was published: an object, text, bytes, None, or anything else."""
    received_at: datetime
    sent_at: datetime | None = None
    """When it was published, as its carrier says."""

    def message(self, *, is_last: bool) -> InboundMessage | None:
        """By what the queue recognises it when it is delivered again; `is_last` when nothing before it is missing."""
        if self.message_id is None:
            return None
        return InboundMessage(self.channel, self.message_id, self.sent_at if is_last else None)

    @property
    def moment(self) -> datetime:
        """Its place in time among the messages of its channel."""
        return self.sent_at or self.received_at

    def progress(self, heard_until: datetime) -> Progress:
        """How far its channel is taken in once it is queued."""
        if self.sent_at is None:
            return Progress(heard_until)
        return Progress(heard_until, self.message_id, self.sent_at)
