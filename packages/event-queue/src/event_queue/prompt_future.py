"""A future whose waiting task goes on in the moment of the result.

asyncio's own lets the task go on in the loop's next turn, which asks the system for news first. What comes from a
socket comes in a callback of the loop, where no task runs; so the one that waits for it can go on there and then. A
cancellation that comes after the result no longer finds it waiting, and takes no reply away.
"""

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class PromptFuture(Generic[T]):
    """What a task of asyncio needs of a future, for one task to wait for."""

    __slots__ = ("_asyncio_future_blocking", "_context", "_error", "_is_done", "_loop", "_result", "_wake")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait on this loop."""
        self._asyncio_future_blocking = False
        """Set while it is handed to the task: how asyncio knows a future."""
        self._loop = loop
        self._wake: Callable[[Any], object] | None = None
        self._context: Context | None = None
        self._is_done = False
        self._result: Any = None
        self._error: BaseException | None = None

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop of the task that may wait."""
        return self._loop

    def done(self) -> bool:
        """Whether there is a result, an error, or a cancellation."""
        return self._is_done

    def set_result(self, result: T) -> None:
        """Let the task go on with it, now; only from a callback of the loop, as no task may run within another."""
        self._result, self._is_done = result, True
        if self._wake is not None and self._context is not None:
            self._context.run(self._wake, self)

    def set_exception(self, error: BaseException) -> None:
        """Let the task go on with it, in the loop's next turn."""
        self._error, self._is_done = error, True
        self._wake_soon()

    def cancel(self, msg: object = None) -> bool:
        """End the wait, as the task does that is cancelled; False when there is nothing to end."""
        if self._is_done:
            return False
        self.set_exception(asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg))
        return True

    def result(self) -> T:
        """What was set."""
        if self._error is not None:
            raise self._error
        return self._result

    def add_done_callback(self, wake: Callable[[Any], object], *, context: Context) -> None:
        """Remember how the task goes on."""
        self._wake, self._context = wake, context

    def __await__(self) -> Generator["PromptFuture[T]", None, T]:
        """Wait for it."""
        if not self._is_done:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    def _wake_soon(self) -> None:
        if self._wake is not None:
            self._loop.call_soon(self._wake, self, context=self._context)
