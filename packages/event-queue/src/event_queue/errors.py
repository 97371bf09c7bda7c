"""What can go wrong with the queue and its audit, named by what the caller must do.

QueueError
├── QueueUnavailable     Redis did not answer: keep what you hold and try again
├── QueueFull            Redis is at its memory limit: keep the event and try again
├── LeaseLost            another worker took over: stop, change nothing
├── TradingPaused        an operator paused trading: send no order, park the event
├── CorruptQueue         a key holds what it never should: an operator must look
├── PayloadRefused       the trigger carries what cannot be stored: tell the sender, do not repeat
├── AuditUnavailable     PostgreSQL did not answer: the outbox keeps the records
└── HistoryDiverged      Redis went back in time behind its history: stop trading, an operator must resync
"""

from event_queue.outcomes import Pause


class QueueError(Exception):
    """Root of the queue's errors."""


class QueueUnavailable(QueueError):
    """Redis could not be reached or did not answer in time; the transition may or may not have happened.

    Every transition may be repeated with the same arguments: it gives the same state and the same answer.
    """


class QueueFull(QueueError):
    """Redis refused a new event whole because its memory limit is reached."""


class LeaseLost(QueueError):
    """The worker's lease has passed to another holder; nothing was changed."""


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
