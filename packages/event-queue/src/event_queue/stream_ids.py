"""Whether records and history tell of one and the same past."""

from collections.abc import Mapping, Sequence

from event_queue.audit import AuditRecord
from event_queue.errors import HistoryDiverged, HistoryGap


def stream_position(stream_id: str) -> tuple[int, int]:
    """A stream id as numbers that compare in stream order."""
    milliseconds, _, sequence = stream_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def check_order(records: Sequence[AuditRecord], *, counter: int, stream_id: str, known: Mapping[int, str]) -> None:
    """Check a batch against history.

    Counters and stream ids of one Redis grow together, so a record is before the cursor in both or in neither. A
    Redis that was rolled back or emptied gives old counters under new stream ids.

    Args:
        records: the batch.
        counter: counter of the last stored record, 0 when none.
        stream_id: stream id of the last stored record.
        known: counter -> stream id of those records of the batch whose counter is stored.

    A history that holds nothing begins with whatever record comes first.

    Raises:
        HistoryDiverged: the batch and the history cannot both be true.
        HistoryGap: records are missing before or among those of the batch.
    """
    end = stream_position(stream_id)
    if records and _follows(records, counter, end):
        return
    latest = counter
    for record in records:
        known_as = known.get(record.counter, record.stream_id)
        if known_as != record.stream_id:
            raise HistoryDiverged(counter=record.counter, stream_id=record.stream_id, known_as=known_as)
        stored_by_counter = record.counter <= counter
        stored_by_stream = stream_position(record.stream_id) <= end
        if stored_by_counter != stored_by_stream:
            raise HistoryDiverged(counter=record.counter, stream_id=record.stream_id, known_as=None)
        if latest and record.counter > latest + 1:
            raise HistoryGap(first=latest + 1, last=record.counter - 1)
        latest = max(latest, record.counter)


def _follows(records: Sequence[AuditRecord], counter: int, end: tuple[int, int]) -> bool:
    """Whether each record stands behind the one before it, the first behind the cursor, as nearly always."""
    counters = [record.counter for record in records]
    first = counter + 1 if counter else counters[0]
    if counters != list(range(first, first + len(counters))):
        return False
    return all(int(record.stream_id.partition("-")[0]) > end[0] for record in records)
