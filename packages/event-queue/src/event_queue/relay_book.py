"""What is told of the relay: how much it has stored, how much waits, and what stops it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from event_queue.audit import AuditRecord
from event_queue.errors import AuditUnavailable, QueueError, QueueUnavailable
from event_queue.ports.history import Outbox
from event_queue.relay_state import RelayState
from event_queue.spill import Spill

_AT_ONCE: Final = timedelta(milliseconds=1)


class RelayBook:
    """Kept by the relay at each step."""

    def __init__(self, outbox: Outbox, spill: Spill | None, *, now: Callable[[], datetime]) -> None:
        """Take both places in which records wait (no spill: none ever do on disk), and the present moment, aware."""
        self._outbox = outbox
        self._spill = spill
        self._now = now
        self.state = RelayState()
        """As it was after the latest step."""

    @property
    def spilled_records(self) -> int:
        """How many of the waiting records lie in the spill at this moment."""
        return self._spill.records if self._spill else 0

    async def carried(self, records: Sequence[AuditRecord]) -> None:
        """These records are stored.

        Raises:
            QueueUnavailable: Redis did not answer.
        """
        self.state = RelayState(
            stored=self.state.stored + len(records),
            lag_records=await self._waiting(),
            lag_seconds=self._age(records[:1]),
        )

    async def failed(self, error: QueueError) -> None:
        """Nothing goes on because of this; how much waits is told as far as Redis says it."""
        self.state = replace(
            self.state,
            last_error=str(error),
            postgres_is_away=isinstance(error, AuditUnavailable),
            failing_since=self.state.failing_since or self._now(),
        )
        with suppress(QueueUnavailable):
            waiting = await self._waiting()
            self.state = replace(self.state, lag_records=waiting, lag_seconds=self._age(await self._first("0-0")))

    async def _waiting(self) -> int:
        """Records in either place, each once: what Redis holds up to the end of the files lies in them too.

        It does for a moment whenever records are spilled, and for longer when Redis went back in time.
        """
        waiting = await self._outbox.length()
        end = self._spill.end if self._spill else None
        if end is None:
            return waiting
        oldest, behind = await self._first("0-0"), await self._first(end.stream_id)
        in_both = behind[0].counter - oldest[0].counter if oldest and behind else waiting
        return self.spilled_records + max(0, waiting - in_both)

    async def _first(self, after: str) -> Sequence[AuditRecord]:
        """The first record behind a stream id, or none."""
        return await self._outbox.read(after, limit=1, block=_AT_ONCE)

    def _age(self, oldest: Sequence[AuditRecord]) -> float:
        """Seconds since that record was made, or the oldest on disk; 0 without either."""
        moments = [record.recorded_at for record in oldest]
        if self._spill is not None and self._spill.oldest_at is not None:
            moments.append(self._spill.oldest_at)
        return max(0.0, (self._now() - min(moments)).total_seconds()) if moments else 0.0
