"""ib_async's client with a pace of its own, and urgent messages first."""
# ruff: noqa: N802 - the names of overridden methods are ib_async's

import asyncio
import struct
from typing import Any, cast

from ib_async.client import Client
from ib_async.wrapper import Wrapper

from ibkr_connector.outbox import Outbox
from ibkr_connector.pace import Pace


class PacedClient(Client):
    """Holds back what the pace does not let through yet. Connections given the same pace share it."""

    def __init__(self, wrapper: Wrapper, pace: Pace) -> None:
        self._pace = pace
        self._outbox = Outbox()
        self._alarm: asyncio.TimerHandle | None = None
        super().__init__(wrapper)

    def reset(self) -> None:
        """Forget everything about the last connection."""
        super().reset()
        self._outbox.clear()
        self._silence()

    def sendMsg(self, msg: str) -> None:
        """Write the message, now or when its turn comes."""
        self._outbox.append(msg)
        self._write_out()

    def answered(self, number: int) -> None:
        """The gateway has read the request or order of this number."""
        self._pace.answered(self, number, asyncio.get_running_loop().time())

    def _onSocketHasData(self, data: bytes) -> None:
        super()._onSocketHasData(data)  # pyright: ignore[reportUnknownMemberType] - ib_async is not annotated
        # What was heard may prove that messages have been read, so that others may leave.
        self._write_out()

    def _write_out(self) -> None:
        loop, socket = asyncio.get_running_loop(), cast("Any", self.conn)
        self._silence()
        while self._outbox:
            now = loop.time()
            turn = self._pace.next_at(now)
            if turn > now:
                self._alarm = loop.call_at(turn, self._write_out)
                return
            message = self._outbox.popleft()
            self._pace.wrote(self, message, now)
            content = message.encode()
            socket.sendMsg(struct.pack(">I", len(content)) + content)

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
