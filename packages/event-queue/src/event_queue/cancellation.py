"""Keeps cancellations that a library loses.

In Python 3.11 `asyncio.wait_for`, through which redis-py sends, drops a cancellation that arrives together with its
result. A task that loops over such calls would then never end.
"""

import asyncio
from types import TracebackType


class CancellationKept:
    """Around an awaited call: when the task was cancelled meanwhile and the call ended all the same, cancel it.

    Leaving the block raises CancelledError in place of what the call returned or raised.
    """

    __slots__ = ("_before", "_task")

    def __enter__(self) -> None:
        """Remember what the task was asked before."""
        self._task = asyncio.current_task()
        self._before = self._task.cancelling() if self._task is not None else 0

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Look whether it was asked to end meanwhile."""
        is_lost = self._task is not None and self._task.cancelling() > self._before
        if is_lost and (error is None or isinstance(error, Exception)):
            raise asyncio.CancelledError from error
