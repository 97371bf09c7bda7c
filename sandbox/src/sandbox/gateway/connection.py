"""One client's socket: frames go out in order, each after the configured latency."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

from sandbox.gateway.fields import Value
from sandbox.gateway.framing import frame

_LARGEST_OUTBOX = 100_000


class Connection:
    """The way to a client. Sending never waits; a client that does not read is cut off."""

    def __init__(self, writer: asyncio.StreamWriter, reply_ms: Callable[[], int], is_muted: Callable[[], bool]) -> None:
        self._writer = writer
        self._reply_ms = reply_ms
        self._is_muted = is_muted
        self._outbox: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue(_LARGEST_OUTBOX)

    def send(self, fields: Iterable[Value]) -> None:
        """Queue one message. A muted gateway drops it."""
        if self._is_muted() or self._writer.is_closing():
            return
        due = asyncio.get_running_loop().time() + self._reply_ms() / 1000
        try:
            self._outbox.put_nowait((due, frame(fields)))
        except asyncio.QueueFull:
            self.cut()

    def finish(self) -> None:
        """Close once everything queued is out."""
        if not self._outbox.full():
            self._outbox.put_nowait(None)

    def cut(self) -> None:
        """Reset the connection at once."""
        self._writer.transport.abort()

    async def write_out(self) -> None:
        """Write what is queued until the connection ends, or is cut: that is noticed where the client is read."""
        loop = asyncio.get_running_loop()
        while item := await self._outbox.get():
            due, data = item
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            if self._writer.is_closing():
                return
            self._writer.write(data)
            with suppress(ConnectionError):
                await self._writer.drain()
        self._writer.close()
