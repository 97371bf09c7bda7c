"""Whether an event is still worth trading on."""

from datetime import datetime

from event_queue.events import RebalanceEvent


def outdated(event: RebalanceEvent, now: datetime, max_age_seconds: float) -> str:
    """Why an event is too old to trade on, in words; empty when it is not. A maximum of 0 sets no limit."""
    age = (now - event.created_at).total_seconds()
    if max_age_seconds <= 0 or age <= max_age_seconds:
        return ""
    return f"the event is {age:.0f} s old and processing.max_event_age_seconds is {max_age_seconds:.0f}"
