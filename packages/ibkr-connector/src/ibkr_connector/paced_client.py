"""ib_async's client with a pace of its own, urgent messages first, and a turn for what must not wait unseen."""
# ruff: noqa: N802 - the names of overridden methods are ib_async's

import asyncio
import struct
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

from ib_async.client import Client
from ib_async.wrapper import Wrapper

from broker_connector_base.permit import Permit, always
from ibkr_connector.outbox import Outbox
from ibkr_connector.pace import Pace


class PacedClient(Client):
    """Holds back what the pace does not let through yet. Connections given the same pace share it."""

    def __init__(self, wrapper: Wrapper, pace: Pace) -> None:
        self._pace = pace
        self._outbox = Outbox()
        self._turns: deque[asyncio.Event] = deque()
        self._last_look: Permit | None = None
        """Of the turn that has come."""
        self._alarm: asyncio.TimerHandle | None = None
        super().__init__(wrapper)

    def reset(self) -> None:
        """Forget everything about the last connection."""
        super().reset()
        self._outbox.clear()
        self._silence()
        for turn in self._turns:
            turn.set()

    async def connectAsync(self, host: str, port: int, clientId: int, timeout: float = 2.0) -> None:  # noqa: N803, ASYNC109 - ib_async's own
        """Connect, and hear when the socket takes messages again."""
        connection = cast("Any", self.conn)
        connection.resume_writing = self._write_out
        await super().connectAsync(host, port, clientId, timeout)  # pyright: ignore[reportUnknownMemberType] - ib_async is not annotated
        if connection.transport is not None:
            connection.transport.set_write_buffer_limits(high=0)

    @asynccontextmanager
    async def turn(self, last_look: Permit = always) -> AsyncGenerator[None]:
        """The moment in which one message leaves at once, so that the operating system takes it over.

        It comes before all that wait, but cancellations: what stands at the brokerage may fill meanwhile.
        Nothing may be waited for inside. The turn also comes when the connection is over; then nothing can be sent.
        `last_look` is asked when the message is ready for the socket, and nothing lies between: who was suspended
        before it was asked to send sends nothing any more. What it raises comes out of sending.
        """
        turn = asyncio.Event()
        self._turns.append(turn)
        try:
            while self.isConnected() and not self._is_next(turn):
                turn.clear()
                self._write_out()
                await turn.wait()
            self._last_look = last_look
            yield
        finally:
            self._last_look = None
            self._turns.remove(turn)
            self._write_out()

    def sendMsg(self, msg: str) -> None:
        """Write the message, now or when its turn comes."""
        if self._last_look is not None:
            self._write(msg, self._last_look)
        else:
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
        """Let out what may leave: cancellations, those with a turn, one by one, then what waits, by urgency."""
        self._silence()
        loop = asyncio.get_running_loop()
        while self._turns or self._outbox:
            turn = self._pace.next_at(loop.time())
            if turn > loop.time():
                self._alarm = loop.call_at(turn, self._write_out)
                return
            if self._turns and not self._outbox.has_cancellation:
                if not self._has_backlog():
                    self._turns[0].set()
                return
            self._write(self._outbox.popleft())

    def _is_next(self, turn: asyncio.Event) -> bool:
        now = asyncio.get_running_loop().time()
        may_leave = self._pace.next_at(now) <= now and not self._has_backlog()
        return may_leave and self._turns[0] is turn and not self._outbox.has_cancellation

    def _has_backlog(self) -> bool:
        """Whether the operating system has not taken over everything yet: what is written now would wait here."""
        transport = cast("Any", self.conn).transport
        return transport is not None and transport.get_write_buffer_size() > 0

    def _write(self, message: str, last_look: Permit = always) -> None:
        content = message.encode()
        framed = struct.pack(">I", len(content)) + content
        connection = cast("Any", self.conn)
        last_look()
        connection.sendMsg(framed)
        self._pace.wrote(self, message, asyncio.get_running_loop().time())

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
