"""Reading history within a bounded time."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar
from uuid import UUID

from event_queue.audit import EventFilter, EventRecord, PagePosition, PauseRecord
from event_queue.errors import AuditUnavailable
from event_queue.ports.history import AuditStore

_ANSWER_SECONDS = 5.0
_MOST_PAUSES = 20

AnswerT = TypeVar("AnswerT")


async def read_history(audit: AuditStore, event_id: UUID) -> EventRecord | None:
    """What PostgreSQL knows of the event; None when it knows nothing.

    Raises:
        AuditUnavailable: no answer within five seconds.
    """
    return await _in_time(audit.get_event(event_id), f"history of event {event_id}")


async def read_page(
    audit: AuditStore, matching: EventFilter, *, limit: int, after: PagePosition | None
) -> Sequence[EventRecord]:
    """A page of events, youngest first.

    Raises:
        AuditUnavailable: no answer within five seconds.
    """
    return await _in_time(audit.list_events(matching, limit=limit, after=after), "page of the history")


async def read_pauses_if_reachable(audit: AuditStore) -> Sequence[PauseRecord] | None:
    """The latest 20 pauses and resumptions of trading; None when PostgreSQL does not answer within five seconds."""
    try:
        return await _in_time(audit.list_pauses(limit=_MOST_PAUSES), "list of pauses")
    except AuditUnavailable:
        return None


async def _in_time(answer: Awaitable[AnswerT], what: str) -> AnswerT:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await answer
    except TimeoutError as error:
        raise AuditUnavailable(f"no {what} within {_ANSWER_SECONDS:.0f} s") from error
