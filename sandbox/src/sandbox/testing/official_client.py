"""The vendor's own client, which runs in threads, made awaitable."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from ibapi.client import EClient
from ibapi.wrapper import EWrapper

_TIMEOUT_SECONDS = 10.0
_JOIN_SECONDS = 5.0


class _Recorder(EWrapper):
    """Hands every callback of the client to one function, as its name and arguments."""

    def __init__(self, note: Callable[..., None]) -> None:
        super().__init__()
        self._note = note

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") or name not in EWrapper.__dict__:
            return super().__getattribute__(name)
        return partial(self._note, name)


class OfficialClient:
    """A connected `EClient` as `api`, and everything it was told."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._calls: list[tuple[str, tuple[Any, ...]]] = []
        self._news = asyncio.Event()
        self.api: Any = EClient(_Recorder(self._note))

    async def heard(self, name: str, *including: object) -> tuple[Any, ...]:
        """The arguments of the first callback of this name, past or to come, that has all these among them."""
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            while True:
                for called, arguments in self._calls:
                    if called == name and all(value in arguments for value in including):
                        return arguments
                self._news.clear()
                await self._news.wait()

    def _note(self, name: str, *arguments: Any) -> None:
        self._loop.call_soon_threadsafe(self._keep, name, arguments)

    def _keep(self, name: str, arguments: tuple[Any, ...]) -> None:
        self._calls.append((name, arguments))
        self._news.set()


@asynccontextmanager
async def connect_official(port: int, client_id: int) -> AsyncGenerator[OfficialClient]:
    """The vendor's client, ready for requests; its threads end with the context."""
    client = OfficialClient()
    await asyncio.to_thread(client.api.connect, "127.0.0.1", port, client_id)
    thread = threading.Thread(target=client.api.run, daemon=True)
    thread.start()
    try:
        await client.heard("nextValidId")
        yield client
    finally:
        client.api.disconnect()
        await asyncio.to_thread(thread.join, _JOIN_SECONDS)
