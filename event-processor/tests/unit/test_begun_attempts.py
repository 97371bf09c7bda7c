"""Which attempts may begin."""

from datetime import UTC, datetime

import pytest

from event_processor.attempt import AttemptOutcome, Completed, Delayed, Failed, Interrupted, Parked, Skipped
from event_processor.begun_attempts import BegunAttempts
from event_processor.failures import FailureKind
from event_queue.errors import LeaseLost
from event_queue.testing.events import make_event

COUNTED = (
    Completed({}),
    Skipped({}),
    Failed(kind=FailureKind.CONNECTION, error="gone"),
    Parked("paused", orders_sent=True),
    Interrupted(orders_sent=True),
)
PUT_ASIDE = (
    Delayed(datetime(2026, 1, 5, 14, 30, tzinfo=UTC), "the market is closed"),
    Parked("paused", orders_sent=False),
    Interrupted(orders_sent=False),
)


@pytest.mark.parametrize("outcome", COUNTED)
def test_an_ended_attempt_does_not_begin_again(outcome: AttemptOutcome) -> None:
    """However it ended; the event's next attempt may."""
    attempts, event = BegunAttempts(), make_event()
    attempts.begin(event)

    attempts.end(event, outcome)

    with pytest.raises(LeaseLost, match="attempt 1"):
        attempts.begin(event)
    attempts.begin(event.requeued())


def test_an_attempt_that_was_cut_short_does_not_begin_again() -> None:
    """What it had sent by then is at the brokerage under its number."""
    attempts, event = BegunAttempts(), make_event()

    attempts.begin(event)

    with pytest.raises(LeaseLost, match="begun before"):
        attempts.begin(event)


@pytest.mark.parametrize("outcome", PUT_ASIDE)
def test_an_attempt_that_was_put_aside_goes_on(outcome: AttemptOutcome) -> None:
    """It comes back under its own number."""
    attempts, event = BegunAttempts(), make_event()
    attempts.begin(event)

    attempts.end(event, outcome)

    attempts.begin(event)


def test_the_oldest_attempt_is_forgotten_first() -> None:
    """So a process that lives for years does not grow."""
    attempts, events = BegunAttempts(), [make_event() for _ in range(1001)]

    for event in events:
        attempts.begin(event)

    attempts.begin(events[0])
    with pytest.raises(LeaseLost):
        attempts.begin(events[2])
