"""A command and its reply, or a few, on a connection that asyncio's streams hold otherwise.

The streams put what arrives into a buffer, wake a coroutine for it, and that one a parser; a reply that is waited for
alone needs none of them. So for the time of an exchange the transport, as asyncio allows, has another protocol, which
hands the reply to whoever waits for it. All that is not a reply goes to the streams as ever.
"""

import asyncio
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from event_queue.prompt_future import PromptFuture


class Overdue:
    """Ends the wait for a reply that does not come.

    The replies of one connection come one after another, so a single timer does for all of them: when it rings, it
    looks by when the present one must be there, and is set to that moment.
    """

    def __init__(self) -> None:
        """Wait for nothing yet."""
        self._reply: PromptFuture[list[Any]] | None = None
        self._seconds = 0.0
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def expected_in(self, seconds: float) -> "PromptFuture[list[Any]]":
        """What to wait for; it fails with redis-py's TimeoutError when it is not there in time."""
        loop = asyncio.get_running_loop()
        reply: PromptFuture[list[Any]] = PromptFuture(loop)
        self._reply = reply
        self._seconds = seconds
        self._deadline = loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            self._set_timer(loop)
        return reply

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(self._deadline, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._reply is None or self._reply.done():
            return
        if loop.time() < self._deadline:
            self._set_timer(loop)
        else:
            self._reply.set_exception(RedisTimeoutError(f"no reply in {self._seconds:.3g} s"))


class QuickExchange(asyncio.Protocol):
    """The protocol of a transport from a command to its reply, or from a few to all of theirs."""

    def __init__(self, transport: Any, parsed: Any, expected: "PromptFuture[list[Any]]", number: int) -> None:
        """Take the transport over.

        Args:
            transport: of an open connection, with nothing to be read.
            parsed: its `hiredis.Reader`, which holds nothing.
            expected: gets the replies once all are there, or why they will not be.
            number: of the replies.
        """
        self._transport = transport
        self._streams: Any = transport.get_protocol()
        self._parsed = parsed
        self._nothing = parsed.gets()
        self._expected = expected
        self._missing = number
        self._replies: list[Any] = []
        transport.set_protocol(self)

    def end(self) -> None:
        """Leave the transport to the streams again."""
        self._transport.set_protocol(self._streams)

    def data_received(self, data: bytes) -> None:
        """A part of a reply, or all of them. What comes behind the last stays unread, and is noticed there."""
        self._parsed.feed(data)
        try:
            while self._missing and (reply := self._parsed.gets()) is not self._nothing:
                self._replies.append(reply)
                self._missing -= 1
        except (RedisError, ValueError) as error:
            self._fail(error)
            return
        if not self._missing and not self._expected.done():
            self._expected.set_result(self._replies)

    def eof_received(self) -> bool | None:
        """Redis says no more."""
        self._fail(RedisConnectionError("the connection to Redis was closed by the server"))
        return self._streams.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection broke, or was closed."""
        self._fail(RedisConnectionError(f"the connection to Redis broke: {exc or 'closed'}"))
        self._streams.connection_lost(exc)

    def pause_writing(self) -> None:
        """The socket does not take all at once; what is waited for is the reply, which comes after all of it."""
        self._streams.pause_writing()

    def resume_writing(self) -> None:
        """The socket takes more again."""
        self._streams.resume_writing()

    def _fail(self, error: Exception) -> None:
        if not self._expected.done():
            self._expected.set_exception(error)
