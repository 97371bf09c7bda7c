"""What Redis remembers of spilled records, on whatever host their files lie: nothing is stored before them."""

from event_queue.audit import AuditRecord
from event_queue.errors import HistoryGap
from event_queue.ports.history import Outbox
from event_queue.stream_ids import stream_position


class SpilledElsewhere:
    """Tells a gap whose records lie in files from one that nobody can explain."""

    def __init__(self, outbox: Outbox) -> None:
        """Take the outbox, which keeps a marker of each spill."""
        self._outbox = outbox

    async def gap_behind(self, cursor: str) -> HistoryGap | None:
        """Records behind the cursor that wait in files, ours or others'; markers of those before it are forgotten."""
        end = stream_position(cursor)
        gap: HistoryGap | None = None
        for marker in await self._outbox.spills():
            if stream_position(marker.last_id) <= end:
                await self._outbox.forget_spill(marker)
            else:
                gap = gap or HistoryGap(first=marker.first, last=marker.last, places=[marker])
        return gap

    async def require_none_before(self, record: AuditRecord) -> None:
        """A history that holds nothing begins anywhere, but not behind records that are known to be in a file.

        Raises:
            HistoryGap: they are.
        """
        older = [marker for marker in await self._outbox.spills() if marker.first < record.counter]
        if older:
            raise HistoryGap(first=older[0].first, last=record.counter - 1, places=older)

    async def explain(self, gap: HistoryGap) -> HistoryGap:
        """The same gap, with the places of the files that records of it lie in."""
        markers = await self._outbox.spills()
        places = [marker for marker in markers if marker.overlaps(gap.first, gap.last)]
        return HistoryGap(first=gap.first, last=gap.last, places=places)
