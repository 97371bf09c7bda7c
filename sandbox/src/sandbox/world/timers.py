"""Delayed calls that can all be called off together."""

import asyncio
from collections.abc import Callable


class Timers:
    """`loop.call_later`, remembered until it ran."""

    def __init__(self) -> None:
        self._pending: set[asyncio.TimerHandle] = set()

    def after(self, milliseconds: float, action: Callable[[], None]) -> asyncio.TimerHandle:
        """Call `action` on the running loop after this many milliseconds, at the earliest in the next turn."""

        def run() -> None:
            self._pending.discard(handle)
            action()

        handle = asyncio.get_running_loop().call_later(milliseconds / 1000, run)
        self._pending.add(handle)
        return handle

    def call_off(self, handle: asyncio.TimerHandle) -> None:
        """Call off one call."""
        handle.cancel()
        self._pending.discard(handle)

    def close(self) -> None:
        """Call off everything that has not run."""
        for handle in self._pending:
            handle.cancel()
        self._pending.clear()
