"""A clock for paper brokerages."""

from datetime import UTC, datetime
from typing import Final

NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)


class StandingClock:
    """Stands still until it is moved; called, it tells its time."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        """The present moment."""
        return self.time
