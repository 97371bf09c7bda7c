"""Looks after the outbox's size while PostgreSQL is away: what it logs of it, and when."""

from collections.abc import Callable
from typing import Final

import structlog

from event_broker.settings import LOOK_SECONDS
from event_queue.errors import CorruptQueue, HistoryDiverged, QueueUnavailable
from event_queue.outbox_relief import OutboxRelief, ReliefState
from event_queue.outbox_size import Pressure
from service_runtime.clock import Clock

_ADVICE: Final = "bring PostgreSQL back; trading goes on meanwhile"

_log = structlog.get_logger(__name__)


def _tell_nobody() -> None:
    """Nobody asked."""


class OutboxWatch:
    """Has records moved to disk in time, and tells each crossing of a threshold once until the outbox is well again."""

    def __init__(self, relief: OutboxRelief, clock: Clock) -> None:
        """Take what moves the records."""
        self.contradiction: str | None = None
        """Why the outbox and what was spilled cannot both be true; None when they can."""
        self.changed: Callable[[], None] = _tell_nobody
        """Called when the outbox has come to another level."""
        self._relief = relief
        self._clock = clock
        self._found: Pressure | None = None
        self._told = Pressure.NONE
        self._told_spilled = 0
        self._told_error: str | None = None

    @property
    def state(self) -> ReliefState:
        """How full the outbox was at the latest look."""
        return self._relief.state

    async def run(self) -> None:
        """Look again and again, until cancelled. A Redis that does not answer is looked at again."""
        while True:
            await self._look()
            await self._clock.pause(LOOK_SECONDS)

    async def _look(self) -> None:
        try:
            found = await self._relief.look()
        except QueueUnavailable:
            return
        except (HistoryDiverged, CorruptQueue) as error:
            if self.contradiction is None:
                _log.error("outbox_not_spilled", reason=str(error))
            self.contradiction = str(error)
            return
        self.contradiction = None
        self._tell_pressure(found)
        self._tell_spilling()
        if found is not self._found:
            self._found = found
            self.changed()

    def _tell_pressure(self, found: Pressure) -> None:
        if found > self._told:
            self._told = found
            facts = {"reached_percent": found.value, "budget_bytes": self.state.budget_bytes}
            if found is Pressure.WARNING:
                _log.warning("outbox_filling", **facts, advice=_ADVICE)
            elif found is Pressure.ALARM:
                _log.error("outbox_nearly_full", **facts, advice=_ADVICE)
        elif found is Pressure.NONE and self._told is not Pressure.NONE:
            self._told = found
            _log.info("outbox_well_again")

    def _tell_spilling(self) -> None:
        state = self.state
        if state.spilled > self._told_spilled:
            _log.warning("outbox_spilled", records=state.spilled - self._told_spilled)
            self._told_spilled = state.spilled
        if state.error is not None and state.error != self._told_error:
            _log.error("outbox_not_spilled", reason=state.error)
        self._told_error = state.error
