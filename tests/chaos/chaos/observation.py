"""What is seen of the product after a trial, as plain values. Nothing here comes from the product's own code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ENDS = frozenset({"completed", "skipped", "deleted"})
INTAKE = frozenset({"queued", "duplicate", "coalesced"})
SWITCH = frozenset({"paused", "resumed"})

Body = Mapping[str, Any]
"""An event as JSON has it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the audit, wherever it was found."""

    counter: int
    stream_id: str
    kind: str
    body: Body | None
    """The event after the change; None for a pause or resumption of trading."""
    details: Mapping[str, Any]
    moved_from_ms: int | None = None
    """When a record was written that got a number behind those of history later; its stream id tells of the move."""

    @property
    def at_ms(self) -> int:
        """When Redis wrote it, in milliseconds since 1970."""
        return int(self.stream_id.partition("-")[0]) if self.moved_from_ms is None else self.moved_from_ms

    @property
    def is_moved(self) -> bool:
        """Whether it was written by a Redis that had gone back in time, and so may contradict what stands before it."""
        return self.moved_from_ms is not None

    @property
    def mends(self) -> bool:
        """Whether it says anew how an event stands, whatever the records before it say."""
        return self.kind == "restored" or "from_history" in self.details

    @property
    def event_id(self) -> str:
        """The event's id; empty for a pause or resumption."""
        return "" if self.body is None else self.body["event_id"]

    @property
    def pair(self) -> str:
        """`account:command`, of which one event may live."""
        return "" if self.body is None else f"{self.body['account_id']}:{self.body['exec_command']}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Everything that Redis holds of the queue."""

    line: Sequence[str] = ()
    """Ids, the next one to be worked on first."""
    delayed: Mapping[str, float] = field(default_factory=dict[str, float])
    in_flight: Mapping[str, str] = field(default_factory=dict[str, str])
    events: Mapping[str, Body] = field(default_factory=dict[str, Body])
    active: Mapping[str, str] = field(default_factory=dict[str, str])
    ages: Mapping[str, float] = field(default_factory=dict[str, float])
    retrying: frozenset[str] = frozenset()
    reruns: Mapping[str, str] = field(default_factory=dict[str, str])
    recoveries: Mapping[str, str] = field(default_factory=dict[str, str])
    counter: int = 0
    outbox: Sequence[Entry] = ()
    halt: str = ""
    """Why nothing may be traded."""


@dataclass(frozen=True, slots=True)
class Row:
    """One event in PostgreSQL."""

    event_id: str
    status: str
    times_queued: int
    last_counter: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Everything that PostgreSQL holds."""

    entries: Sequence[Entry] = ()
    """History, pauses and quarantine together, by counter."""
    rows: Sequence[Row] = ()
    cursor: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal that the driver sent, marked with a number of its own, which the event's data carry."""

    number: int
    account: str
    command: str
    answer: str = ""
    """What its sender was told: queued, duplicate, remembered, seen, refused; empty when it was told nothing."""
    is_in_doubt: bool = False
    """Whether its sender lost a reply and asked once more, over a way that cannot know that it is the same."""


@dataclass(frozen=True, slots=True)
class Order:
    """One order, as the brokerage saw it arrive."""

    ref: str
    account: str
    at_ms: float
    """Milliseconds since 1970, by the clock of the machine."""
    fence: int | None = None
    """Number of the lease it was sent under, where the brokerage of the trial can know it."""
    since_ms: float | None = None
    """When that lease was had, likewise."""

    @property
    def granted_ms(self) -> float:
        """When the lease was had; where that is not known, when the order arrived."""
        return self.at_ms if self.since_ms is None else self.since_ms


@dataclass(frozen=True, slots=True)
class Glance:
    """What GET /queue/status (or its port) said, between two readings of the counter."""

    after: int
    """The counter before the question."""
    until: int
    """The counter after the answer."""
    aside: int
    """Waiting and delayed."""
    processing: int
    active: int
    retrying: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All that the checks look at."""

    books: Books
    tables: Tables
    signals: Sequence[Signal] = ()
    orders: Sequence[Order] = ()
    glances: Sequence[Glance] = ()
    is_quiet: bool = True
    """Whether everything came to rest in time after the faults had ended."""
    kept: frozenset[str] = frozenset()
    """Events that are meant to be alive still: poison, which ends its worker each time."""
    losses: Sequence[float] = ()
    """When Redis lost what it had acknowledged, ms since 1970: what no audit was told of may be missing."""
    halts: Sequence[tuple[float, float]] = ()
    """From when to when trading was seen to be halted."""
    has_stray_keys: bool = False
    """Whether active keys without events were planted, which the counters show until they are healed."""
    clock_is_steady: bool = True
    """False when a clock was stepped."""
    wrong_positions: Mapping[str, str] = field(default_factory=dict[str, str])
    """Account -> how it differs from its targets."""
    remarks: Sequence[tuple[str, str]] = ()
    """What the trial saw fail on the way: the invariant and the words."""
