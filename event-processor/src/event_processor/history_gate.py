"""Whether the queue has been compared with its history since Redis started: nothing is worked on in one that was not.

A Redis that was restored from an old copy looks well by itself; only history tells that it went back in time. The
event-broker compares them, and marks the run of Redis that it has compared. A Redis that was never marked has never
been of a system with a history, and is not waited for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from event_processor.errors import HistoryUnchecked, TradingHalted
from event_processor.trading_halt import TradingHalt
from event_queue.errors import QueueHalted
from event_queue.ports.operators import ComponentBoard

PATIENCE_SECONDS: Final = 30.0


class HistoryMarks(Protocol):
    """What the event-broker leaves in Redis."""

    async def halt_reason(self) -> str:
        """Why nothing may be traded; empty when it may."""
        ...

    async def checked_run(self) -> str:
        """The run of Redis that was last compared with history; empty when none ever was."""
        ...

    async def run_id(self) -> str:
        """The present run of Redis."""
        ...


@dataclass(frozen=True, slots=True)
class HistoryGate:
    """Asked by each attempt, after the event was claimed and before anything is touched."""

    halt: TradingHalt
    marks: HistoryMarks
    board: ComponentBoard
    patience_seconds: float = PATIENCE_SECONDS
    longest_silence_seconds: float = 5.0
    """Without any report there is another look after this: a comparison is marked before it is reported."""
    first_in_line: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the one that follows the reports for all: each follower takes a connection to Redis for itself."""

    async def require_none(self) -> None:
        """Allow a live run; a comparison that is under way, or a report that is about to change, is waited for.

        Whoever compares the two reports it, so each report is a reason to look again.

        Raises:
            QueueHalted: Redis and history contradict each other.
            HistoryUnchecked: nobody has compared them since Redis started.
            TradingHalted: the relay has found the queue unreliable.
            QueueUnavailable: nobody can tell.
        """
        await self._allowed_by(self._look)

    async def require_compared(self) -> None:
        """Allow what trades nothing: an event that ended long ago may stand in an older Redis, and must not end again.

        Raises:
            QueueHalted, HistoryUnchecked, QueueUnavailable: as `require_none`.
        """
        await self._allowed_by(self._look_at_run)

    async def _allowed_by(self, look: Callable[[], Awaitable[None]]) -> None:
        deadline = asyncio.get_running_loop().time() + self.patience_seconds
        try:
            await look()
        except (HistoryUnchecked, TradingHalted):
            async with self.first_in_line:
                await self._look_at_each_report(look, deadline)

    async def _look_at_each_report(self, look: Callable[[], Awaitable[None]], deadline: float) -> None:
        loop = asyncio.get_running_loop()
        async with self.board.following() as next_report:
            while True:
                try:
                    return await look()
                except (HistoryUnchecked, TradingHalted):
                    if loop.time() >= deadline:
                        raise
                await next_report(min(deadline - loop.time(), self.longest_silence_seconds))

    async def _look(self) -> None:
        await self._look_at_run()
        await self.halt.require_none()

    async def _look_at_run(self) -> None:
        if halt := await self.marks.halt_reason():
            raise QueueHalted(halt)
        checked = await self.marks.checked_run()
        if checked and checked != await self.marks.run_id():
            raise HistoryUnchecked(
                "Redis has started anew and nobody has compared it with its history yet: is event-broker running?"
            )
