"""What can go wrong with the queue and its audit, named by what the caller must do.

QueueError
├── QueueUnavailable     Redis did not answer: keep what you hold and try again
├── QueueFull            Redis is at its memory limit: keep the event and try again
├── LeaseLost            another worker took over: stop, change nothing
├── CorruptQueue         a key holds what it never should: an operator must look
└── AuditUnavailable     PostgreSQL did not answer: the outbox keeps the records
"""


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


class CorruptQueue(QueueError):
    """A key of the queue has the wrong type or an unreadable value."""


class AuditUnavailable(QueueError):
    """PostgreSQL could not be reached or did not answer in time."""
