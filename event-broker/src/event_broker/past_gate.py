"""Signals are taken in only while Redis holds the past that history tells of, and are read again when it lost some."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from event_queue.arrival import Answer, Arrival
from event_queue.errors import QueueClosed
from event_queue.events import RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.known_run import KnownRun
from event_queue.outcomes import IntakeOutcome
from event_queue.redis_intake import RedisIntake

OnLoss = Callable[[datetime | None], None]
"""Called when Redis has lost some of its past, with the latest moment at which history knew everything."""


class PastGate:
    """Closed until Redis has been compared with history; whoever compares them opens it."""

    def __init__(self, run: KnownRun) -> None:
        """Start closed; take what keeps signals from any run of Redis but the one it is opened to."""
        self.whenever_lost: list[OnLoss] = []
        """Called in their order each time that the gate closes after it was open."""
        self._run = run
        self._least: int | None = None
        self._reason = "Redis has not been compared with history yet"
        self._opened = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether signals are taken in."""
        return self._opened.is_set()

    @property
    def least(self) -> int | None:
        """The record that Redis must have reached to be the one that was compared; None when nobody can tell.

        Raises:
            QueueClosed: nobody has compared it, or it lacks some of its past.
        """
        if not self.is_open:
            raise QueueClosed(self._reason)
        return self._least

    def is_open_to(self, run_id: str) -> bool:
        """Whether signals are taken in by that run of Redis."""
        return self.is_open and self._run.run_id == run_id

    async def opened(self) -> None:
        """Return once it is open."""
        await self._opened.wait()

    def open(self, run_id: str, *, least: int | None) -> None:
        """That run of Redis holds what history does, up to this record; None when history cannot be asked."""
        self._run.run_id = run_id
        self._least = least
        self._opened.set()

    def close(self, reason: str, *, told_until: datetime | None) -> None:
        """Redis lacks some of its past; history knew everything that it held until then."""
        was_open, self._reason = self.is_open, reason
        self._opened.clear()
        if was_open:
            for tell in self.whenever_lost:
                tell(told_until)


class GatedIntake:
    """`Intake` through the gate."""

    def __init__(self, intake: RedisIntake, gate: PastGate) -> None:
        """Take the way in, and what may keep it closed."""
        self._intake = intake
        self._gate = gate

    async def enqueue(
        self,
        event: RebalanceEvent,
        *,
        message: InboundMessage | None = None,
        remember_while_in_flight: bool = False,
    ) -> IntakeOutcome:
        """Queue the event; see `Intake.enqueue`.

        Raises:
            QueueClosed: Redis has lost some of its past, which is not back yet; nothing was changed.
        """
        return await self._intake.enqueue(
            event, message=message, remember_while_in_flight=remember_while_in_flight, least=self._gate.least
        )

    async def enqueue_all(self, arrivals: Sequence[Arrival]) -> Sequence[Answer]:
        """Offer many events; see `Intake.enqueue_all`."""
        try:
            least = self._gate.least
        except QueueClosed as error:
            return [error] * len(arrivals)
        return await self._intake.enqueue_all(arrivals, least=least)
