"""Kill -9 of a store, and back: one store at a time, and to its end whatever becomes of whoever asked for it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol


class Store(Protocol):
    """A server that outlives its kills."""

    def kill(self) -> None:
        """End it as a crash would."""
        ...

    def start(self) -> None:
        """Start it again; returns when it answers."""
        ...


class Restarts:
    """Stores that die together die within milliseconds of each other, but one is back before the next one goes."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._begun: list[asyncio.Task[None]] = []

    async def restart(self, store: Store, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """Kill it, do something while it is away, and start it.

        A fault that is cancelled, or fails beside this one, does not leave a dead store to those who come after it.
        """
        restarting = asyncio.create_task(self._restart(store, meanwhile))
        self._begun.append(restarting)
        await asyncio.shield(restarting)

    @asynccontextmanager
    async def none(self) -> AsyncGenerator[None]:
        """All stores are up, and stay so as long as the context lasts."""
        async with self._turn:
            yield

    async def ended(self) -> None:
        """Wait until every store is back; whether a restart failed is told to whoever asked for it."""
        await asyncio.gather(*self._begun, return_exceptions=True)

    async def _restart(self, store: Store, meanwhile: Callable[[], Awaitable[None]]) -> None:
        async with self._turn:
            await asyncio.to_thread(store.kill)
            await meanwhile()
            await asyncio.to_thread(store.start)
