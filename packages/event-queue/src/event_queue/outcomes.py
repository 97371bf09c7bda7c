"""What a transition of the queue did: closed unions of frozen values, matched once by the caller."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from event_queue.events import RebalanceEvent


@dataclass(frozen=True, slots=True)
class Queued:
    """The event was accepted and waits at the back of the line."""

    event: RebalanceEvent


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Refused: the same account and command is already waiting or in work under `active_event_id`."""

    active_event_id: UUID


@dataclass(frozen=True, slots=True)
class Remembered:
    """Its twin is in work right now; this newer signal becomes one follow-up event when the twin ends."""

    active_event_id: UUID


@dataclass(frozen=True, slots=True)
class AlreadySeen:
    """The same inbound message was taken in before for this account; nothing was done."""

    message_id: str


IntakeOutcome = Queued | Duplicate | Remembered | AlreadySeen


@dataclass(frozen=True, slots=True)
class Deleted:
    """The waiting event was removed."""

    event: RebalanceEvent


@dataclass(frozen=True, slots=True)
class NotFound:
    """No living event has that id."""


@dataclass(frozen=True, slots=True)
class InProgress:
    """The event is in the worker's hands and cannot be removed."""


DeleteOutcome = Deleted | NotFound | InProgress


@dataclass(frozen=True, slots=True)
class Lease:
    """The worker's timed claim on being the only one. Every write of the worker carries `token`."""

    token: str
    fence: int
    """Grows with every new holder."""
    ttl_ms: int
    is_sole: bool = field(default=True, compare=False)
    """Whether nobody else counts on an earlier lease. If not, this one may be used only after a whole length of it."""


@dataclass(frozen=True, slots=True)
class LeaseHeld:
    """Somebody else holds the lease, for at most `remaining_ms` more."""

    token: str
    remaining_ms: int


LeaseOutcome = Lease | LeaseHeld


class EventState(StrEnum):
    """Where a living event is."""

    WAITING = "waiting"
    DELAYED = "delayed"
    PROCESSING = "processing"


@dataclass(frozen=True, slots=True)
class LivingEvent:
    """An event that has not ended, and where it is."""

    event: RebalanceEvent
    state: EventState
    due_at: datetime | None = None
    """When a delayed event joins the line; None for one that is parked until trading is resumed."""

    @property
    def is_parked(self) -> bool:
        """Whether it waits for trading to be resumed."""
        return self.state is EventState.DELAYED and self.due_at is None


EVERY_ACCOUNT: Final = "*"
"""Scope of a pause that covers all accounts; any other scope is an account's id."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Trading paused by an operator, for one account or for all."""

    scope: str
    """An account's id, or EVERY_ACCOUNT."""
    actor: str
    reason: str
    since: datetime
    """When the scope was first paused; repeating a pause, even with other words, does not move it."""

    def covers(self, account_id: str) -> bool:
        """Whether it keeps the account from trading."""
        return self.scope in (account_id, EVERY_ACCOUNT)


@dataclass(frozen=True, slots=True)
class LastTrade:
    """The latest trading day on which an account traded, and for which event."""

    trading_day: date
    """In the zone of the exchange."""
    event_id: UUID
    is_expected: bool = False
    """Whether nothing was filled yet: its orders were taken, and will fill on that day unless somebody cancels them."""


@dataclass(frozen=True, slots=True)
class RedisCondition:
    """What is wrong with Redis itself, one sentence each."""

    refusals: tuple[str, ...] = ()
    """Why it takes no writes now."""
    dangers: tuple[str, ...] = ()
    """What may make it lose events."""


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """Counters of the queue at one instant, all read in one round trip."""

    queue_length: int
    """Events waiting in the line (delayed and processing ones are counted apart)."""
    active_events_count: int
    """Events that have not ended, wherever they are."""
    oldest_event_age_seconds: int
    """Age of the oldest event that has not ended; 0 without events."""
    events_with_retries: int
    processing: int
    delayed: int
    outbox_length: int
    """Audit records in Redis that PostgreSQL has not yet taken."""
    outbox_age_seconds: int
    """How long the oldest of them has waited; 0 without any."""
    halt: str
    """Why no event is claimed and no order sent, because Redis and PostgreSQL contradict each other; else empty."""
