"""What else than events comes back from history."""

from dataclasses import dataclass

from event_queue.events import RebalanceEvent


@dataclass(frozen=True, slots=True)
class Switched:
    """How trading was switched last for a scope."""

    scope: str
    """An account's id, or EVERY_ACCOUNT."""
    pause: str | None
    """The pause in force, as Redis keeps it; None when it was resumed."""


@dataclass(frozen=True, slots=True)
class Traded:
    """When an account traded last."""

    account_id: str
    words: str
    """`<trading day> <event id>`, as Redis keeps it."""
    is_expected: bool = False
    """Whether nothing of it is filled yet."""


@dataclass(frozen=True, slots=True)
class Asked:
    """When an event that has not ended was asked for again, by a signal that was refused because of it."""

    pair: str
    """`account:command`."""
    words: str
    """`<event id> <moment, ms>`, as Redis keeps it."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A newer signal for an event that has not ended."""

    event: RebalanceEvent
