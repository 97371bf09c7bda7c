"""Leave to carry records to PostgreSQL, given and taken back by whoever compares it with Redis."""

import asyncio
from collections.abc import Callable, Coroutine

from event_broker.until_stopped import end_task


class Carrying:
    """Forbidden until it is allowed."""

    def __init__(self) -> None:
        """Carry nothing yet."""
        self._may_carry = asyncio.Event()
        self._changed = asyncio.Event()
        self._carries_nothing = asyncio.Event()
        self._carries_nothing.set()

    def allow(self, *, allowed: bool) -> None:
        """Let records be carried, or let what carries them end."""
        if allowed != self._may_carry.is_set():
            (self._may_carry.set if allowed else self._may_carry.clear)()
            self._changed.set()
            self._changed.clear()

    async def stop(self) -> None:
        """Forbid it, and return when nothing is on its way any more."""
        self.allow(allowed=False)
        await self._carries_nothing.wait()

    async def while_allowed(self, carry: Callable[[], Coroutine[None, None, None]]) -> None:
        """Carry for as long as that is allowed; each time that it is allowed again anew, at once; until cancelled."""
        while True:
            await self._may_carry.wait()
            self._carries_nothing.clear()
            try:
                async with asyncio.TaskGroup() as group:
                    work = group.create_task(carry())
                    while self._may_carry.is_set():
                        await self._changed.wait()
                    await end_task(work)
            finally:
                self._carries_nothing.set()
