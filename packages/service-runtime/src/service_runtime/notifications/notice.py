"""What a service says when somebody has to look, and the port through which it says it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Occasion(StrEnum):
    """Everything that is worth a notification."""

    SIGNALS_MISSED = "signals_missed"
    """A channel was not heard for longer than Ably's history reaches back."""
    OPERATOR_ATTENTION = "operator_attention"
    """The brokerage refused, or the input is wrong: the event cannot succeed by itself."""
    TRADING_PAUSED = "trading_paused"
    TRADING_RESUMED = "trading_resumed"
    QUEUE_DIVERGED = "queue_diverged"
    """Redis and its history contradict each other; no live run starts."""
    OUTBOX_FILLING = "outbox_filling"
    """Audit records pile up because PostgreSQL does not take them."""


class Urgency(StrEnum):
    """How soon somebody has to look."""

    INFO = "info"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell, once."""

    occasion: Occasion
    subject: str
    """What it is about, as a key: the same occasion and subject are told once until `Notifier.over`."""
    title: str
    """A few words: what happened to what."""
    body: str
    """For people: what it means and what to do."""
    urgency: Urgency = Urgency.FAILURE

    @property
    def key(self) -> tuple[Occasion, str]:
        """By what a repetition is recognised."""
        return self.occasion, self.subject


class Notifier(Protocol):
    """Tells people. It never waits, never raises, and costs its caller nothing."""

    def notify(self, notice: Notice) -> None:
        """Tell it soon, unless it has been told already."""
        ...

    def over(self, occasion: Occasion, subject: str) -> None:
        """The trouble is over: the next notice of this occasion and subject is a new one."""
        ...


class Nobody:
    """`Notifier` where nobody is to be told."""

    def notify(self, notice: Notice) -> None:
        """Tell nobody."""

    def over(self, occasion: Occasion, subject: str) -> None:
        """There is nothing to forget."""
