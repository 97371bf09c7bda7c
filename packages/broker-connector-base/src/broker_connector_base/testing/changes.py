"""Waiting for any change of a paper brokerage."""

import asyncio
from collections.abc import Callable


class Changes:
    """A bell that wakes everybody who waits for some condition."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Let every waiter look again."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_until(self, condition: Callable[[], bool], *, timeout_seconds: float | None = None) -> bool:
        """True as soon as the condition holds, False when the time is over first."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while not condition():
                    await self._next()
        except TimeoutError:
            return False
        return True

    async def _next(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)
