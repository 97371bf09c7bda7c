"""What GET /events may be asked for."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from event_queue.audit import EventFilter, EventStatus, PagePosition
from event_queue.events import Command
from management_service.errors import Refused
from management_service.page_cursor import CURSOR_PATTERN, read_cursor
from management_service.problems import FieldError, invalid_fields
from management_service.strict_query import StrictQuery

MOST_EVENTS: Final = 200
"""Most events of one page: each may carry a payload of 64 KiB."""
_USUAL_EVENTS: Final = 50
_MOMENT_EXAMPLE: Final = "2023-12-01T10:00:00Z"


def _moment(text: str) -> datetime:
    """The moment in UTC; one without a zone would leave open which hour was meant."""
    try:
        return _zoned(datetime.fromisoformat(text)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        words = "is not a moment such as {example}, with its zone (in an address, + is written %2B)"
        raise PydanticCustomError("moment", words, {"example": _MOMENT_EXAMPLE}) from error


def _zoned(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return moment


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": [_MOMENT_EXAMPLE]}),
]


class HistoryQuery(StrictQuery):
    """Filters, which must all fit, and the page."""

    account: Annotated[str | None, Field(pattern="^[A-Za-z0-9]{1,32}$", description="An account's id.")] = None
    command: Annotated[Command | None, Field(description="What the event was for.")] = None
    status: Annotated[
        EventStatus | None,
        Field(description="completed, skipped and deleted events have ended; failed ones will be tried again."),
    ] = None
    created_from: Annotated[
        Moment | None, Field(alias="from", description="Created at this moment or later (RFC 3339).")
    ] = None
    created_until: Annotated[Moment | None, Field(alias="to", description="Created before this moment (RFC 3339).")] = (
        None
    )
    limit: Annotated[int, Field(ge=1, le=MOST_EVENTS, description="Most events of the page.")] = _USUAL_EVENTS
    cursor: Annotated[
        str | None,
        Field(pattern=CURSOR_PATTERN, description="`next_cursor` of the page before, with that page's filters."),
    ] = None

    @field_validator("created_until")
    @classmethod
    def _ends_after_it_begins(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        since: Any = info.data.get("created_from")
        if until is not None and since is not None and until <= since:
            raise PydanticCustomError("empty_time", "must be later than from")
        return until

    @property
    def matching(self) -> EventFilter:
        """The filters alone."""
        return EventFilter(self.account, self.command, self.status, self.created_from, self.created_until)

    @property
    def after(self) -> PagePosition | None:
        """Where the page before ended; None for the first page.

        Raises:
            Refused: 422, the cursor was not given by this listing.
        """
        if self.cursor is None:
            return None
        position = read_cursor(self.cursor, self.matching)
        if position is None:
            words = "is not a next_cursor of a page with these filters; begin again without it"
            raise Refused(invalid_fields(FieldError("cursor", words)))
        return position
