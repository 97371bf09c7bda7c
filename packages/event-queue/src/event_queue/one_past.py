"""Whether Redis and history tell of one and the same past, judged from where each of them stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from event_queue.codec import from_ms
from event_queue.stream_ids import stream_position

CLOSED: Final = "closed"
"""First word of a halt during which nothing is taken in either."""
HALTED: Final = "halted"
"""First word of a halt during which new events are still taken in."""
LACKING: Final = "lacking"
"""First word of a halt because events are lost that history knows: new ones are taken in, and records carried."""


@dataclass(frozen=True, slots=True)
class HistoryPosition:
    """The last record that history holds."""

    counter: int
    """0 when it holds none."""
    stream_id: str
    """`0-0` when it holds none."""

    @property
    def written_at(self) -> datetime:
        """When Redis gave it that id, by its clock of then; 1970 when there is none."""
        return from_ms(stream_position(self.stream_id)[0])


@dataclass(frozen=True, slots=True)
class Survey:
    """Where Redis stands, all read at one instant."""

    counter: int | None
    """Number of the last record; None when there never was one."""
    last_id: str
    """The last stream id that was ever given; empty when there is no stream."""
    following: int | None
    """Number of the first record behind the history's position; None when none is there."""
    halt: str
    """First word and reason of the present halt; empty without one."""
    is_spilled: bool = False
    """Whether records between the two are in files."""
    preceding: HistoryPosition | None = None
    """The last record up to the history's position; None when none is there, for what is stored is dropped."""
    is_whole: bool = True
    """Whether every event is in one place, with its body, its age and its pair, as far as counting them tells."""


class Verdict(StrEnum):
    """What comparing the two positions shows."""

    AGREES = "agrees"
    NEW = "new"
    """Neither holds anything."""
    REDIS_LOST = "redis_lost"
    """Redis holds nothing of what history does: no record at all, or only newer ones."""
    REDIS_WENT_BACK = "redis_went_back"
    """Redis lost changes that history knows, and may have made others since."""
    HISTORY_LOST = "history_lost"
    """History misses records that Redis no longer holds."""
    KEYS_LOST = "keys_lost"
    """Both hold the same records, but Redis lacks some of the keys that hold its events."""


def compare(position: HistoryPosition, survey: Survey) -> Verdict:
    """Judge; `position` must have been read first, because both only move forward."""
    if survey.counter is None or (survey.following == 1 and position.counter):
        return Verdict.REDIS_LOST if position.counter else Verdict.NEW
    if _went_back(position, survey):
        return Verdict.REDIS_WENT_BACK
    is_complete = survey.counter == position.counter or survey.following == position.counter + 1
    if not (is_complete or survey.is_spilled):
        return Verdict.HISTORY_LOST
    return Verdict.AGREES if survey.is_whole else Verdict.KEYS_LOST


def _went_back(position: HistoryPosition, survey: Survey) -> bool:
    """Whether a number that history has given away is still to come in Redis, or came to another record.

    A Redis restored from before it was emptied may be ahead in numbers: where history stands it holds another record.
    """
    there = survey.preceding
    if there is not None and there.counter >= position.counter and there != position:
        return True
    counter = survey.counter or 0
    if counter == position.counter:
        return bool(position.counter) and survey.last_id != position.stream_id
    return counter < position.counter or (survey.following is not None and survey.following <= position.counter)
