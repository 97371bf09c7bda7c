"""Records in files that history contradicts: those of a Redis that had gone back while PostgreSQL was away.

Nobody could tell when they were spilled. They are history all the same, and go behind what history holds, under a
halt which says that the queue never saw that.
"""

from collections.abc import Iterator, Sequence

from event_queue.audit import AuditRecord, SetApart
from event_queue.mend_plan import Divergence
from event_queue.mender import Mender
from event_queue.one_past import HistoryPosition
from event_queue.ports.history import AuditStore
from event_queue.postgres_past import PostgresPast
from event_queue.stream_ids import stream_position


class AnotherPast:
    """Stores such records, whose order is theirs; safe to repeat after a death at any point."""

    def __init__(self, mender: Mender, past: PostgresPast, store: AuditStore) -> None:
        """Take what halts, what history holds, and where records go."""
        self._mender = mender
        self._past = past
        self._store = store

    async def store(self, records: Sequence[AuditRecord]) -> Sequence[SetApart]:
        """Store those of the records that history does not hold yet, under either number; those that it refused.

        Raises:
            AuditUnavailable: PostgreSQL did not answer.
            HistoryDiverged, HistoryGap: history has moved meanwhile; try again.
            QueueUnavailable: Redis, which must not trade on, could not be halted.
        """
        known = await self._past.stored([(record.counter, record.stream_id) for record in records])
        strange = [record for record in records if record.stream_id not in known]
        if not strange:
            return ()
        agreed = strange[0].counter - 1
        moved = await self._past.moved([record.stream_id for record in strange], behind=agreed)
        fresh = [record for record in strange if record.stream_id not in moved]
        if not fresh:
            return ()
        # What others have read from this Redis may be on its way.
        await self._mender.fence(await self._mender.run_id())
        position = await self._past.position()
        await self._mender.halt_for(Divergence(min(agreed, position.counter), position.counter))
        return await self._store.append(tuple(_behind(position, fresh)))


def _behind(position: HistoryPosition, records: Sequence[AuditRecord]) -> Iterator[AuditRecord]:
    """The records under the numbers that follow, and under their own stream ids wherever these follow too."""
    latest = stream_position(position.stream_id)
    for counter, record in enumerate(records, position.counter + 1):
        latest = max(stream_position(record.stream_id), (latest[0], latest[1] + 1))
        yield record._replace(counter=counter, stream_id=f"{latest[0]}-{latest[1]}")
