"""Reading an event's history within a bounded time."""

import asyncio
from uuid import UUID

from event_queue.audit import EventRecord
from event_queue.errors import AuditUnavailable
from event_queue.ports import AuditStore

_ANSWER_SECONDS = 5.0


async def read_history(audit: AuditStore, event_id: UUID) -> EventRecord | None:
    """What PostgreSQL knows of the event; None when it knows nothing.

    Raises:
        AuditUnavailable: no answer within five seconds.
    """
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await audit.get_event(event_id)
    except TimeoutError as error:
        raise AuditUnavailable(f"no history of event {event_id} within {_ANSWER_SECONDS:.0f} s") from error
