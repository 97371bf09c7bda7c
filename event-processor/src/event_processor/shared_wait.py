"""Waiting for one event in many places at the cost of one."""

import asyncio
from typing import Literal


class SharedWait:
    """The wait for an event that is set once, as a future that all who wait may share. They must not cancel it."""

    def __init__(self) -> None:
        self._waiting: asyncio.Task[Literal[True]] | None = None

    def wait_for(self, event: asyncio.Event) -> "asyncio.Task[Literal[True]]":
        """A future that ends when the event is set; the same event must be given each time."""
        if self._waiting is None or self._waiting.cancelled():
            self._waiting = asyncio.create_task(event.wait())
        return self._waiting
