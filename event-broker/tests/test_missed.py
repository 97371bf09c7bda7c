"""When a history closes a gap, and when it leaves a doubt."""

from datetime import UTC, datetime, timedelta

import pytest

from event_broker.missed import missed_stretch
from event_broker.trigger import Trigger
from event_queue.progress import MissedStretch, Progress

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
RETENTION = timedelta(minutes=2)


def ago(seconds: float) -> datetime:
    """A moment before now."""
    return NOW - timedelta(seconds=seconds)


def message(name: str, seconds_ago: float) -> Trigger:
    """A message of the history."""
    return Trigger("growth", name, {}, NOW, ago(seconds_ago))


def judged(known: Progress, *found: Trigger, attached_at: datetime = NOW) -> MissedStretch | None:
    """The verdict on a history read now."""
    return missed_stretch(known, found, attached_at=attached_at, read_at=NOW, retention=RETENTION)


def test_a_short_silence_hides_nothing() -> None:
    """A channel last heard less than the retention ago is complete, however old its last message is."""
    assert judged(Progress(ago(100), "old", ago(86_400))) is None
    assert judged(Progress(ago(100))) is None


def test_the_last_message_still_there_proves_that_nothing_is_missing() -> None:
    """A history that reaches back to what was taken in is whole, even after hours."""
    assert judged(Progress(ago(7200), "last", ago(9000)), message("last", 9000), message("new", 60)) is None


def test_any_message_from_before_the_gap_proves_it_too() -> None:
    """What is kept longer than assumed is believed."""
    assert judged(Progress(ago(7200), "last", ago(9000)), message("other", 7300)) is None


def test_a_long_absence_is_a_gap_up_to_where_the_history_begins() -> None:
    """From when the channel was last heard to the beginning of what Ably certainly has."""
    assert judged(Progress(ago(7200), "last", ago(9000))) == MissedStretch(ago(7200), ago(120), NOW)


def test_an_older_message_shortens_the_gap() -> None:
    """The history reaches back to its earliest message."""
    found = (message("a", 600), message("b", 60))

    assert judged(Progress(ago(7200), "last", ago(9000)), *found) == MissedStretch(ago(7200), ago(600), NOW)


def test_a_gap_ends_when_the_channel_was_attached() -> None:
    """A history read late is not asked about the time in which live messages came."""
    known = Progress(ago(7200))

    assert judged(known, attached_at=ago(3600)) == MissedStretch(ago(7200), ago(3600), NOW)


def test_a_young_message_that_is_gone_is_a_gap() -> None:
    """Ably forgot sooner than it is taken to: whatever came after that message may be gone as well."""
    known = Progress(ago(30), "last", ago(40))

    assert judged(known) == MissedStretch(ago(30), NOW, NOW)


@pytest.mark.parametrize("seconds_ago", [119, 121])
def test_at_the_edge_of_the_retention_a_missing_message_proves_nothing(seconds_ago: float) -> None:
    """Clocks that differ by a little raise no alarm."""
    assert judged(Progress(ago(30), "last", ago(seconds_ago))) is None


def test_a_clock_that_was_set_back_leaves_the_last_message_alone_to_tell() -> None:
    """When the channel was heard last lies in the future: a gap could hide behind it, and is reported in doubt."""
    ahead = NOW + timedelta(hours=1)

    assert judged(Progress(ahead, "last", ago(600))) == MissedStretch(ago(600), ago(120), NOW)
    assert judged(Progress(ahead, "last", ago(600)), message("last", 600)) is None
    assert judged(Progress(ahead, "last", ago(60)), message("last", 60)) is None
    assert judged(Progress(ahead)) is None
    assert judged(Progress(NOW + timedelta(seconds=1), "last", ago(600))) is None
