"""An HTTP server that takes notifications, as the people behind a `json://` URL of apprise."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Mailbox:
    """What has come, and how the next notification is answered."""

    port: int = 0
    status: int = 200
    mail: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """The notifications that were answered with 200, as JSON."""
    asked: int = 0
    """How many were offered."""
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is clear, nobody is answered."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.answering.set()

    @property
    def url(self) -> str:
        """The mailbox for apprise."""
        return f"json://operator:hunter2-secret@127.0.0.1:{self.port}/rebalancer"

    async def wait_mail(self, count: int, *, within: float = 30) -> list[dict[str, Any]]:
        """What has come, once it is so many."""
        async with asyncio.timeout(within), self.changed:
            await self.changed.wait_for(lambda: len(self.mail) >= count)
        return self.mail

    async def wait_asked(self, count: int, *, within: float = 30) -> None:
        """Return when so many notifications were offered."""
        async with asyncio.timeout(within), self.changed:
            await self.changed.wait_for(lambda: self.asked >= count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length:")[2].partition("\r\n")[0])
            await self._take(json.loads(await reader.readexactly(length)))
            await self.answering.wait()
            writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        finally:
            writer.close()

    async def _take(self, document: dict[str, Any]) -> None:
        async with self.changed:
            self.asked += 1
            if self.status == 200 and self.answering.is_set():  # noqa: PLR2004 - HTTP's own number
                self.mail.append(document)
            self.changed.notify_all()


@asynccontextmanager
async def open_mailbox() -> AsyncGenerator[Mailbox]:
    """A mailbox on a free local port."""
    mailbox = Mailbox()
    server = await asyncio.start_server(mailbox.serve, "127.0.0.1", 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        mailbox.answering.set()
        server.close()
        await server.wait_closed()
