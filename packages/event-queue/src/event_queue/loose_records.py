"""Records that wait in the outbox, and which of them history does not hold."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from event_queue.audit import ORDER_KINDS, AuditKind
from event_queue.errors import CorruptQueue
from event_queue.mend_plan import LooseRecords
from event_queue.outbox_entry import decode_record

_NOT_MOVING: Final = ORDER_KINDS | {AuditKind.DUPLICATE}
"""Kinds that tell nothing of where their event is: one that is asked for again may be refused for its twin's sake."""
_BY_MENDING: Final = '{"from_history":true}'
"""The details of what `restore.lua` writes of an event that comes back or is corrected."""


class OutboxRecord(NamedTuple):
    """What a comparison with history needs to know of a record."""

    number: int
    stream_id: str
    moved_event: UUID | None
    """The event that it tells a new place of."""
    mends: bool
    """Whether it tells that place by what history knows."""


def record_of(stream_id: str, fields: Mapping[str, str]) -> OutboxRecord | None:
    """An entry as a record that moves its event, or none; None for what has no number, and so is no record.

    What is told of an event while Redis lacks it, as a fill, must not pass for news of where the event is.
    """
    try:
        record = decode_record(stream_id, fields)
    except CorruptQueue:  # nobody's, and in nobody's way here; the relay tells of it
        return None
    moved_event = None if record.kind in _NOT_MOVING else record.event_id
    return OutboxRecord(record.counter, stream_id, moved_event, mends=record.details_json == _BY_MENDING)


def loose_records(records: Sequence[OutboxRecord], stored: frozenset[str]) -> LooseRecords:
    """Those that history does not hold."""
    loose = [record for record in records if record.stream_id not in stored]
    moving = [(record.moved_event, record.mends) for record in loose if record.moved_event is not None]
    return LooseRecords(
        stream_ids=tuple(record.stream_id for record in loose),
        first=min((record.number for record in loose), default=None),
        event_ids=frozenset(event_id for event_id, _ in moving),
        mended_ids=frozenset(event_id for event_id, mends in moving if mends),
    )
