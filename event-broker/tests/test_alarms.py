"""What goes out to people, and how often."""

from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from event_broker.alarms import Alarms
from event_queue.components import ComponentReport, ComponentState
from event_queue.progress import MissedStretch
from service_runtime.notifications.notice import Notice, Occasion, Urgency

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OK, DEGRADED, DOWN = ComponentState.OK, ComponentState.DEGRADED, ComponentState.DOWN


class Listening:
    """`Notifier` that keeps what is told, once until it is over, as the real one does."""

    def __init__(self) -> None:
        self.heard: list[Notice] = []
        self._told: set[tuple[Occasion, str]] = set()

    def notify(self, notice: Notice) -> None:
        """Keep it."""
        if notice.key not in self._told:
            self._told.add(notice.key)
            self.heard.append(notice)

    def over(self, occasion: Occasion, subject: str) -> None:
        """Forget it."""
        self._told.discard((occasion, subject))


@pytest.fixture
def notifier() -> Listening:
    """Who listens."""
    return Listening()


def tell(alarms: Alarms, state: ComponentState, name: str = "relay", **facts: Any) -> ComponentReport:
    """Describe a part in such a state once."""
    return alarms.watching(lambda: ComponentReport(name, state, "in words.", facts, NOON))()


def test_a_gap_is_logged_and_told_with_its_ends(notifier: Listening) -> None:
    """Once for each stretch of each channel."""
    alarms = Alarms(notifier)
    missed = MissedStretch(NOON, NOON.replace(hour=15), noticed_at=NOON.replace(hour=16))

    with capture_logs() as lines:
        for channel in ("growth", "growth", "income"):
            alarms.signals_missed(channel, missed)

    assert [line["event"] for line in lines] == ["signals_may_be_missed"] * 3
    assert [notice.title for notice in notifier.heard] == [
        "Signals on channel growth may have been missed",
        "Signals on channel income may have been missed",
    ]
    assert "From 2026-03-02T12:00:00+00:00 to 2026-03-02T15:00:00+00:00" in notifier.heard[0].body


@pytest.mark.parametrize("name", ["relay", "history"])
def test_a_queue_that_contradicts_its_history_is_told_once_until_it_is_well(notifier: Listening, name: str) -> None:
    """The report itself goes on unchanged."""
    alarms = Alarms(notifier)

    reports = [tell(alarms, state, name).state for state in (OK, DOWN, DOWN, DEGRADED, DOWN)]

    assert reports == [OK, DOWN, DOWN, DEGRADED, DOWN]
    assert [(notice.occasion, notice.subject) for notice in notifier.heard] == [(Occasion.QUEUE_DIVERGED, name)] * 2
    assert notifier.heard[0].body == "in words."


def test_the_outbox_is_told_at_each_level_once(notifier: Listening) -> None:
    """Wavering around a level tells nothing again; a second filling does."""
    alarms = Alarms(notifier)

    for percent in (None, 3.0, 24.9, 25.0, 24.0, 26.0, 55, 80.5, 74, 76, 5, 30):
        tell(alarms, DEGRADED, budget_percent=percent, spill_error=None)

    told = [(notice.subject, notice.urgency) for notice in notifier.heard]
    assert told == [
        ("25", Urgency.WARNING),
        ("50", Urgency.WARNING),
        ("75", Urgency.FAILURE),
        ("25", Urgency.WARNING),
    ]


def test_the_highest_level_is_told_although_the_disk_takes_what_is_above_it(notifier: Listening) -> None:
    """Once for as long as records lie there, however little is left in Redis."""
    alarms = Alarms(notifier)

    for percent, spilled in ((60, 0), (48, 900), (12, 900), (70, 900), (3, 0), (49, 700)):
        tell(alarms, DEGRADED, budget_percent=percent, spilled_records=spilled, spill_error=None)

    assert [notice.subject for notice in notifier.heard] == ["50", "75", "75"]


def test_records_that_cannot_be_moved_to_disk_are_told(notifier: Listening) -> None:
    """Until they can."""
    alarms = Alarms(notifier)

    for error in ("disk full", "disk full", None, "disk full"):
        tell(alarms, DEGRADED, budget_percent=1, spill_error=error)

    assert [notice.title for notice in notifier.heard] == ["Audit records cannot be moved to disk"] * 2


def test_a_part_without_an_outbox_tells_nothing(notifier: Listening) -> None:
    """Degraded parts are for health."""
    tell(Alarms(notifier), DEGRADED, "history", verdict=None)

    assert notifier.heard == []
