"""Keeps the outbox inside its budget: beyond it, the oldest records move to a file."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from event_queue.errors import SpillUnavailable
from event_queue.outbox_size import OutboxSize, Pressure, pressure_of
from event_queue.ports.history import Outbox
from event_queue.spill import Spill

_BATCH: Final = 1000
_AT_ONCE: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class ReliefState:
    """How full the outbox was at the latest look."""

    size: OutboxSize | None = None
    """None before the first look."""
    budget_bytes: int = 0
    spilled: int = 0
    """Records moved to the file since the start."""
    error: str | None = None
    """Why records could not be moved, when they should have been; they stay in Redis."""

    @property
    def percent(self) -> float:
        """Share of the budget that is taken."""
        return 100 * self.size.bytes / self.budget_bytes if self.size else 0.0

    @property
    def pressure(self) -> Pressure:
        """What that calls for."""
        return pressure_of(self.percent)


class OutboxRelief:
    """Looks at the outbox's size, and moves records to the spill when it is at three quarters of its budget."""

    def __init__(self, outbox: Outbox, spill: Spill, *, budget_bytes: int | None = None) -> None:
        """Take the outbox, the spill, and how many bytes the outbox may take (None: as Redis's memory allows)."""
        self._outbox = outbox
        self._spill = spill
        self._budget_bytes = budget_bytes
        self._state = ReliefState()

    @property
    def state(self) -> ReliefState:
        """How full it was."""
        return self._state

    async def look(self) -> Pressure:
        """Measure once, and make room where that is needed; the pressure that was found.

        Records leave Redis only when they are safely on disk, and not while it has to be put right: they may get
        other numbers then.

        Raises:
            HistoryDiverged: Redis went back in time behind what was spilled.
            CorruptQueue: the outbox holds what the queue never wrote.
            QueueUnavailable: Redis did not answer.
        """
        await self._measure()
        found = self._state.pressure
        if found < Pressure.ALARM:
            self._state = replace(self._state, error=None)
            return found
        try:
            await self._make_room()
        except SpillUnavailable as error:
            self._state = replace(self._state, error=str(error))
        return found

    async def _make_room(self) -> None:
        while self._state.pressure >= Pressure.WARNING:
            if self._state.size and self._state.size.is_halted:
                raise SpillUnavailable("Redis is halted, and has to be put right first")
            records = await self._outbox.read("0-0", limit=_BATCH, block=_AT_ONCE)
            if not records:
                return
            marker = await asyncio.to_thread(self._spill.append, records)
            moved = len(records) if await self._outbox.take_out(records[-1].stream_id, marker) else 0
            self._state = replace(self._state, spilled=self._state.spilled + moved, error=None)
            await self._measure()

    async def _measure(self) -> None:
        size = await self._outbox.size()
        self._state = replace(self._state, size=size, budget_bytes=max(1, size.budget(self._budget_bytes)))
