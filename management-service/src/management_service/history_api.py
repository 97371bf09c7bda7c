"""The route of the history: every event there ever was, from PostgreSQL, page by page."""

from typing import Annotated

from fastapi import APIRouter, Query

from event_queue.audit import PagePosition
from management_service.dependencies import Injected
from management_service.history import read_page
from management_service.history_query import HistoryQuery
from management_service.history_schemas import HistoryPageDocument
from management_service.page_cursor import write_cursor
from management_service.responses import problems
from management_service.strict_query import GivenOnce

router = APIRouter(tags=["history"])


@router.get("/events", dependencies=[GivenOnce], responses=problems(422, 503))
async def list_history(query: Annotated[HistoryQuery, Query()], dependencies: Injected) -> HistoryPageDocument:
    """Events of the past and the present, youngest first; `next_cursor` leads to older ones.

    Events that come in meanwhile do not move the pages. The history follows the queue by some milliseconds, or by as
    long as PostgreSQL was away.
    """
    matching = query.matching
    found = await read_page(dependencies.audit, matching, limit=query.limit + 1, after=query.after)
    page = found[: query.limit]
    more = len(found) > len(page)
    position = PagePosition(page[-1].created_at, page[-1].event_id) if more else None
    return HistoryPageDocument.of(page, write_cursor(position, matching) if position else None)
