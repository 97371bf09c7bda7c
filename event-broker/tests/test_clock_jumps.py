"""The machine's clock is stepped by an hour while the broker listens."""

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from event_broker.continuity import Interruption, log_interruption

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)


@pytest.mark.parametrize(("hours", "seconds"), [(1, 3600.0), (-1, 0.0)])
def test_a_silence_never_lasts_less_than_no_time(hours: int, seconds: float) -> None:
    """A clock that went back while the channel was away makes no negative figure."""
    with capture_logs() as lines:
        log_interruption(Interruption("growth", NOON, NOON + timedelta(hours=hours), None))

    assert [(line["event"], line["seconds"]) for line in lines] == [("channel_continuity_lost", seconds)]
