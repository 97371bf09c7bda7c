"""Whether an event was ever taken in, as far as the stores can tell."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from event_queue.audit import EventRecord
from event_queue.errors import AuditUnavailable
from event_queue.outcomes import LivingEvent


class Living(Protocol):
    """What the queue holds."""

    async def get_event(self, event_id: UUID) -> LivingEvent | None:
        """One living event; raises QueueUnavailable when Redis did not answer."""
        ...


class Past(Protocol):
    """What history knows."""

    async def get_event(self, event_id: UUID) -> EventRecord | None:
        """One event, ended or not; raises AuditUnavailable when PostgreSQL did not answer."""
        ...


@dataclass(frozen=True, slots=True)
class TakenIn:
    """Asks the queue, which knows an event until it ends, then history, which knows it until it is purged."""

    queue: Living
    history: Past

    async def __call__(self, event_id: UUID) -> bool:
        """False also where history cannot be asked.

        Raises:
            QueueUnavailable: Redis did not answer.
        """
        if await self.queue.get_event(event_id) is not None:
            return True
        try:
            return await self.history.get_event(event_id) is not None
        except AuditUnavailable:
            return False
