"""How far a channel of signals has been taken in, and what may be missing from it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class MissedStretch:
    """A time in which messages may have passed that nobody can read any more."""

    since: datetime
    until: datetime
    noticed_at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything that a channel carried up to here is in the queue."""

    heard_until: datetime
    """By our clock: the channel was listened to, or read again, until then."""
    message_id: str | None = None
    """The last message taken in; None before the first."""
    message_at: datetime | None = None
    """When that message was published, by the publisher's side's clock."""
    missed: MissedStretch | None = None
    """The latest stretch that may have been missed, for operators."""
