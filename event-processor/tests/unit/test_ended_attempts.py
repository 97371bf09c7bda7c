"""Which attempts may begin."""

import pytest

from event_processor.attempt import AttemptOutcome, Completed, Failed, Interrupted, Parked, Skipped
from event_processor.ended_attempts import EndedAttempts
from event_processor.failures import FailureKind
from event_queue.errors import LeaseLost
from event_queue.testing.events import make_event

FAILED = Failed(kind=FailureKind.CONNECTION, error="gone")


@pytest.mark.parametrize("outcome", [Completed({}), Skipped({}), FAILED])
def test_an_ended_attempt_does_not_begin_again(outcome: AttemptOutcome) -> None:
    """However it ended; the event's next attempt may."""
    ended, event = EndedAttempts(), make_event()
    ended.require_new(event)

    ended.add(event, outcome)

    with pytest.raises(LeaseLost, match="attempt 1"):
        ended.require_new(event)
    ended.require_new(event.requeued())


@pytest.mark.parametrize("outcome", [Parked("paused", orders_sent=False), Interrupted(orders_sent=False)])
def test_an_attempt_that_was_put_aside_goes_on(outcome: AttemptOutcome) -> None:
    """It comes back under its own number."""
    ended, event = EndedAttempts(), make_event()

    ended.add(event, outcome)

    ended.require_new(event)


def test_the_oldest_end_is_forgotten_first() -> None:
    """So a process that lives for years does not grow."""
    ended, events = EndedAttempts(), [make_event() for _ in range(1001)]
    for event in events:
        ended.add(event, Completed({}))

    ended.require_new(events[0])
    with pytest.raises(LeaseLost):
        ended.require_new(events[1])
