"""The only place that reads the time or sleeps; everything else takes a Clock, or `now` and `pause` as arguments."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time as a service sees it."""

    def now(self) -> datetime:
        """The present moment, UTC-aware."""
        ...

    async def pause(self, seconds: float) -> None:
        """Let a fixed delay pass."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, UTC-aware."""
        return datetime.now(UTC)  # noqa: TID251 - this is the clock

    async def pause(self, seconds: float) -> None:
        """Let a fixed delay pass."""
        await asyncio.sleep(seconds)  # noqa: TID251 - this is the clock
