"""A clock that moves only when told."""

import asyncio
from datetime import datetime, timedelta


class HandClock:
    """A Clock whose pauses end when `advance` passes their ends."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._pauses: list[tuple[datetime, asyncio.Future[None]]] = []
        self.paused_for: list[float] = []
        """Length of every pause that was asked for, in seconds."""
        self._asked: asyncio.Future[None] | None = None

    def now(self) -> datetime:
        """The moment it was set to."""
        return self._now

    async def until_paused(self, count: int = 1) -> None:
        """Wait until so many pauses were asked for."""
        while len(self.paused_for) < count:
            self._asked = asyncio.get_running_loop().create_future()
            await self._asked

    async def pause(self, seconds: float) -> None:
        """Wait until the clock has been moved far enough."""
        self.paused_for.append(seconds)
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(None)
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pauses.append((self._now + timedelta(seconds=seconds), end))
        await end

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        for due, end in self._pauses:
            if due <= self._now and not end.done():
                end.set_result(None)
        self._pauses = [(due, end) for due, end in self._pauses if due > self._now]
