"""Time limits that begin to run when the service is told to stop.

Until then a limit is neither a task nor a timer, so every attempt and every wait for work can have one.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class StopLimits:
    """The limits of what is under way. They begin while `watch` runs."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._under_way: dict[asyncio.Timeout, float] = {}

    async def watch(self) -> None:
        """Wait for the stop, and let every limit begin."""
        await self._stop.wait()
        for limit, seconds in self._under_way.items():
            _begin(limit, seconds)

    @asynccontextmanager
    async def after_stop(self, seconds: float) -> AsyncGenerator[None]:
        """Let the block go on until this many seconds after the stop.

        Raises:
            TimeoutError: the block was cut short.
        """
        async with asyncio.timeout(None) as limit:
            self._under_way[limit] = seconds
            if self._stop.is_set():
                _begin(limit, seconds)
            try:
                yield
            finally:
                del self._under_way[limit]


def _begin(limit: asyncio.Timeout, seconds: float) -> None:
    limit.reschedule(asyncio.get_running_loop().time() + seconds)
