"""Records that wait in the outbox, and which of them history does not hold."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from event_queue.audit import ORDER_KINDS
from event_queue.errors import CorruptQueue
from event_queue.mend_plan import LooseRecords
from event_queue.outbox_entry import decode_record

OutboxRecord = tuple[int, str, UUID | None]
"""Number, stream id, and the event that it moves."""


def record_of(stream_id: str, fields: Mapping[str, str]) -> OutboxRecord | None:
    """An entry as a record that moves its event, or none; None for what has no number, and so is no record.

    A fill that is told while Redis lacks its event must not pass for news of where the event is.
    """
    try:
        record = decode_record(stream_id, fields)
    except CorruptQueue:  # nobody's, and in nobody's way here; the relay tells of it
        return None
    return record.counter, stream_id, None if record.kind in ORDER_KINDS else record.event_id


def loose_records(records: Sequence[OutboxRecord], stored: frozenset[str]) -> LooseRecords:
    """Those that history does not hold."""
    loose = [record for record in records if record[1] not in stored]
    return LooseRecords(
        stream_ids=tuple(stream_id for _, stream_id, _ in loose),
        first=min((number for number, _, _ in loose), default=None),
        event_ids=frozenset(event_id for _, _, event_id in loose if event_id is not None),
    )
