"""Reading history within a bounded time."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from event_queue.audit import EventFilter, EventRecord, PagePosition, PauseRecord
from event_queue.errors import AuditUnavailable
from event_queue.ports.history import AuditStore

_ANSWER_SECONDS = 5.0
_MOST_PAUSES = 20


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


async def read_page(
    audit: AuditStore, matching: EventFilter, *, limit: int, after: PagePosition | None
) -> Sequence[EventRecord]:
    """A page of events, youngest first.

    Raises:
        AuditUnavailable: no answer within five seconds.
    """
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await audit.list_events(matching, limit=limit, after=after)
    except TimeoutError as error:
        raise AuditUnavailable(f"no page of the history within {_ANSWER_SECONDS:.0f} s") from error


async def read_pauses_if_reachable(audit: AuditStore) -> Sequence[PauseRecord] | None:
    """The latest 20 pauses and resumptions of trading; None when PostgreSQL does not answer within five seconds."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await audit.list_pauses(limit=_MOST_PAUSES)
    except (AuditUnavailable, TimeoutError):
        return None
