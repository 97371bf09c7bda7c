"""Waiting for something that processes will tell."""

import asyncio
from collections.abc import Callable


class Pulse:
    """Beats whenever anybody has told something new."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def beat(self) -> None:
        """Wake whoever waits."""
        passed, self._next = self._next, asyncio.Event()
        passed.set()

    async def until(self, is_so: Callable[[], bool], *, seconds: float) -> bool:
        """Return as soon as `is_so`, which is looked at after every beat; False when it is not so in time."""
        try:
            async with asyncio.timeout(seconds):
                while not is_so():
                    await self._next.wait()
        except TimeoutError:
            return is_so()
        return True


async def some_time(seconds: float) -> None:
    """Let time pass: how long a fault lasts, and what lies between two of them."""
    await asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=seconds)
