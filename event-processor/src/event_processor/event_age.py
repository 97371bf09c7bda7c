"""Whether an event is still worth trading on."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from event_queue.events import RebalanceEvent

EventAge = Callable[[RebalanceEvent], Awaitable[timedelta | None]]
"""How long ago an event was asked for last, by one clock; None when nobody knows."""


async def outdated(event: RebalanceEvent, age_of: EventAge, max_age_seconds: float) -> str:
    """Why an event is too old to trade on, in words; empty when it is not. A maximum of 0 sets no limit.

    The event's own time is not asked: it was read from the clock of another service.
    """
    age = await age_of(event) if max_age_seconds > 0 else None
    if age is None or age.total_seconds() <= max_age_seconds:
        return ""
    seconds = f"{age.total_seconds():.0f} s"
    return f"the event was last asked for {seconds} ago and processing.max_event_age_seconds is {max_age_seconds:.0f}"
