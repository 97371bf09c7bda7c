"""What has to be done so that the queue and its history agree again: pure, from what each of them knows.

History wins where it is ahead; what only the queue knows is kept.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from event_queue.audit import FINAL_STATUSES, AuditKind, EventStatus
from event_queue.events import RebalanceEvent


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """An event as history knows it."""

    event: RebalanceEvent
    status: EventStatus
    next_attempt_at: datetime | None
    last_counter: int
    """Of the record that its status comes from."""
    moved_at: datetime
    """When that was."""

    @property
    def is_parked(self) -> bool:
        """Whether it waits for trading to be resumed."""
        return self.status is EventStatus.DELAYED and self.next_attempt_at is None

    @property
    def was_in_hand(self) -> bool:
        """Whether a worker held it."""
        return self.status is EventStatus.PROCESSING

    @property
    def joins_at(self) -> datetime:
        """When it joined the line, or will."""
        return max(self.moved_at, self.next_attempt_at or self.moved_at)


@dataclass(frozen=True, slots=True)
class PresentEvent:
    """An event as the queue holds it."""

    event: RebalanceEvent
    body: str
    """Its JSON, byte for byte."""


@dataclass(frozen=True, slots=True)
class LooseRecords:
    """Records in the outbox that history does not have."""

    stream_ids: tuple[str, ...] = ()
    """In the order of the stream."""
    first: int | None = None
    """The lowest of their numbers."""
    event_ids: frozenset[UUID] = frozenset()
    """Of the events that they move."""
    mended_ids: frozenset[UUID] = frozenset()
    """Of those that they put right: an earlier start of the same work got so far."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """Which records of history the queue never saw: those after `agreed`, up to and including `ahead`."""

    agreed: int
    ahead: int

    def joined(self, other: "Divergence") -> "Divergence":
        """All that one of the two tells of."""
        return Divergence(min(self.agreed, other.agreed), max(self.ahead, other.ahead))


class MendAction(StrEnum):
    """What happens to an event."""

    RETURNS = "returns"
    """The queue has lost it, and gets it back."""
    CORRECTED = "corrected"
    """The queue holds it as it was earlier."""
    ENDS = "ends"
    """It has ended; the queue holds it still."""
    TOLD = "told"
    """History has lost it, and is told of it."""


@dataclass(frozen=True, slots=True)
class MendStep:
    """One thing to do."""

    action: MendAction
    event: RebalanceEvent
    """As it shall be; for ENDS as history knows it, for TOLD as the queue holds it."""
    kind: AuditKind
    """How it is written down."""
    expected: str = ""
    """Its body in the queue; empty when the queue does not hold it."""
    due_at: datetime | None = None
    """When it joins the line; None to wait in it now."""
    parked_at: datetime | None = None
    """Since when it has waited for trading to be resumed; None when it does not."""
    ended_as: EventStatus | None = None


def plan_steps(
    known: Iterable[KnownEvent],
    present: Mapping[UUID, PresentEvent],
    loose: LooseRecords,
    unseen: Iterable[KnownEvent],
    now: datetime,
) -> tuple[MendStep, ...]:
    """What to do, in the order in which events shall stand in line; what a worker held stands last.

    Args:
        known: every unfinished event of history, and each ended one that the queue holds.
        present: everything that the queue holds.
        loose: what history does not know yet.
        unseen: of the events that the queue holds, those that it holds as they were earlier, as they stood last.
        now: events due by then wait in line at once.
    """
    overtaken = {each.event.event_id: each for each in unseen if each.event.event_id not in loose.mended_ids}
    by_id = {each.event.event_id: each for each in known} | overtaken
    ordered = sorted(by_id.values(), key=lambda each: (each.was_in_hand, each.joins_at, each.last_counter))
    steps = [step for each in ordered for step in _steps(each, present.get(each.event.event_id), loose, overtaken, now)]
    unknown = (each for event_id, each in present.items() if event_id not in by_id and event_id not in loose.event_ids)
    return (*steps, *(MendStep(MendAction.TOLD, each.event, AuditKind.RESTORED, each.body) for each in unknown))


def _steps(
    known: KnownEvent,
    present: PresentEvent | None,
    loose: LooseRecords,
    overtaken: Container[UUID],
    now: datetime,
) -> Iterator[MendStep]:
    event_id = known.event.event_id
    if present is None:
        if known.status not in FINAL_STATUSES and event_id not in loose.event_ids:
            yield _back(MendAction.RETURNS, known, known.event.times_queued, "", now)
    elif known.status in FINAL_STATUSES:
        yield MendStep(MendAction.ENDS, known.event, AuditKind.RESYNCED, present.body, ended_as=known.status)
    elif event_id in overtaken:
        times = max(known.event.times_queued, present.event.times_queued)
        yield _back(MendAction.CORRECTED, known, times, present.body, now)


def _back(action: MendAction, known: KnownEvent, times: int, expected: str, now: datetime) -> MendStep:
    """The event as history knows it; one that was in work counts as one more attempt, as after any crash."""
    event = known.event.model_copy(update={"times_queued": times + known.was_in_hand, "recovered": True})
    return MendStep(
        action=action,
        event=event,
        kind=AuditKind.RECOVERED if known.was_in_hand else AuditKind.RESTORED,
        expected=expected,
        due_at=known.next_attempt_at if known.next_attempt_at and known.next_attempt_at > now else None,
        parked_at=known.moved_at if known.is_parked else None,
    )
