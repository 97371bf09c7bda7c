"""The files of spilled records, as witnesses of Redis's past and as a part of history that waits."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from event_queue.errors import SpillUnavailable
from event_queue.mend_plan import Divergence
from event_queue.mender import Mender
from event_queue.spill import Spill


class SpillKeeper:
    """Halts a Redis that has gone back behind the files, and has them carried while nothing else is."""

    def __init__(self, spill: Spill, mender: Mender, *, carry: Callable[[], Awaitable[None]]) -> None:
        """Take the files, what halts, and what brings the files alone to PostgreSQL."""
        self._spill = spill
        self._mender = mender
        self.carry: Final = carry
        """Brings every record that lies in a file to PostgreSQL; raises a QueueError when it cannot."""

    @property
    def holds_records(self) -> bool:
        """Whether records lie here."""
        return bool(self._spill.records)

    @property
    def may_hold_records(self) -> bool:
        """Whether records lie here, or may do so in files that are not ours yet."""
        return self.holds_records or (self._spill.exists and not self._spill.is_open)

    async def compare(self) -> None:
        """Halt a Redis that went back behind the last record here: that shows without PostgreSQL.

        How far it went back is found out together with PostgreSQL.

        Raises:
            QueueUnavailable: Redis did not answer.
        """
        if self._spill.exists and not self._spill.is_open:
            with suppress(SpillUnavailable):
                await asyncio.to_thread(self._spill.open)
        end = self._spill.end
        if end is not None and await self._mender.is_behind(end):
            await self._mender.halt_for(Divergence(end.counter, end.counter))
