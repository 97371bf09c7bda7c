"""What can go wrong with the queue and its audit, named by what the caller must do.

QueueError
├── QueueUnavailable     Redis did not answer: keep what you hold and try again
│   └── QueueClosed      Redis may have lost some of its past, and is compared or rebuilt first: the same
├── QueueFull            Redis is at its memory limit: keep the event and try again
├── LeaseLost            another worker took over: stop, change nothing
├── QueueHalted          Redis lost changes that history knows: send no order, set the event aside
├── TradingPaused        an operator paused trading: send no order, park the event
├── QueueMoving          the queue did not stand still while it was compared with history: try again
├── CorruptQueue         a key holds what it never should: an operator must look
├── PayloadRefused       the trigger carries what cannot be stored: tell the sender, do not repeat
├── AuditUnavailable     PostgreSQL did not answer: the outbox keeps the records
├── SpillUnavailable     the disk for spilled records cannot be used: the outbox keeps them
├── SpillDamaged         spilled records can no longer be read: an operator must look at the file
├── ReadTooEarly         Redis was compared with history since records were read: read them again
├── HistoryGap           records before those in the outbox are elsewhere: bring their spill here
└── HistoryDiverged      Redis went back in time behind its history: stop trading, an operator must resync
"""

from collections.abc import Sequence
from pathlib import Path

from event_queue.outcomes import Pause


class QueueError(Exception):
    """Root of the queue's errors."""


class QueueUnavailable(QueueError):
    """Redis could not be reached or did not answer in time; the transition may or may not have happened.

    Every transition may be repeated with the same arguments: it gives the same state and the same answer.
    """


class QueueClosed(QueueUnavailable):
    """Redis is empty, is being rebuilt, or has started anew and was not compared with history; nothing was changed."""

    def __init__(self, reason: str) -> None:
        """Say why."""
        super().__init__(f"the queue takes nothing in: {reason or 'Redis is empty, and history has not been asked'}")


class QueueFull(QueueError):
    """Redis refused a new event whole because its memory limit is reached."""


class LeaseLost(QueueError):
    """The worker's lease has passed to another holder; nothing was changed."""


class QueueHalted(QueueError):
    """Redis and history contradict each other: the order was not written down and must not be sent."""

    def __init__(self, reason: str) -> None:
        """Say why, as the halt does."""
        super().__init__(f"nothing is traded: {reason}")
        self.reason = reason


class TradingPaused(QueueError):
    """Trading is paused for the account: the order was not written down and must not be sent."""

    def __init__(self, account_id: str, pause: Pause) -> None:
        """Name the account, and the pause that covers it: its own, or that of every account."""
        super().__init__(
            f"trading is paused for {account_id} since {pause.since:%Y-%m-%d %H:%M:%S} UTC by {pause.actor}: "
            f"{pause.reason}; no order goes out until it is resumed"
        )
        self.account_id = account_id
        self.pause = pause


class QueueMoving(QueueError):
    """The queue or its history changed each time while one was compared with the other."""


class CorruptQueue(QueueError):
    """A key of the queue has the wrong type or an unreadable value."""


class PayloadRefused(QueueError):
    """A trigger's payload holds a value that Redis, JSON or PostgreSQL could not carry unchanged."""

    def __init__(self, field: str, reason: str) -> None:
        """Name the field, as a path such as `data.weights[2]`, and what is wrong with it."""
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class AuditUnavailable(QueueError):
    """PostgreSQL could not be reached or did not answer in time."""


class SpillUnavailable(QueueError):
    """The directory of spilled records cannot be read or written now, or belongs to another process."""


class SpillDamaged(QueueError):
    """Spilled records that were safely on disk can no longer be read."""

    def __init__(self, path: Path, *, after: int | None) -> None:
        """Name the file, and the last counter that was read there just before (None: none)."""
        where = "" if after is None else f" after record {after}"
        super().__init__(
            f"the spill file {path} cannot be read{where}: restore it, or accept the loss as docs/operations.md tells"
        )
        self.path = path


class ReadTooEarly(QueueError):
    """Redis may be another one since these records were read; nothing was stored. Read again."""


class HistoryGap(QueueError):
    """Records between the end of history and those at hand are in neither place; nothing was stored."""

    def __init__(self, *, first: int, last: int, places: Sequence[object] = ()) -> None:
        """Name the missing counters, and where they were spilled to as far as Redis knows."""
        known = ", ".join(str(place) for place in places)
        where = (
            f"they were spilled to {known}: start an event-broker there, or bring that directory here"
            if places
            else "nothing tells where they are: was PostgreSQL restored from an older copy? See docs/operations.md"
        )
        super().__init__(f"audit records {first} to {last} are missing; {where}")
        self.first = first
        self.last = last


class HistoryDiverged(QueueError):
    """A record's counter is known to PostgreSQL under another stream id: Redis lost changes that were audited."""

    def __init__(self, *, counter: int, stream_id: str, known_as: str | None) -> None:
        """Name the counter, the stream id it came with, and the one it was stored under (None: never stored)."""
        super().__init__(
            f"audit record {counter} came as {stream_id} but history has it as {known_as}: Redis went back in time; "
            "stop the worker and resync before it trades again"
        )
        self.counter = counter
        self.stream_id = stream_id
        self.known_as = known_as
