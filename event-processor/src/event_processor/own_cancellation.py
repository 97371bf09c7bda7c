"""Telling a cancellation that was asked for from one that escaped from somewhere inside.

A task group takes a child that ends cancelled for one that was told to, and goes on without it: a hand of the worker
would be gone for good, with its event in it and the lease still renewed.
"""

import asyncio
from types import TracebackType

from event_processor.errors import WorkCancelledWithin


def only_cancelled_when_asked(what: str) -> "_OwnCancellation":
    """Let a cancellation of the running task pass a `with` block, and make a WorkCancelledWithin of any other."""
    return _OwnCancellation(what)


class _OwnCancellation:
    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        """Nothing to do before."""

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Ask the task whether anybody asked it to end."""
        if not isinstance(error, asyncio.CancelledError):
            return
        task = asyncio.current_task()
        if task is None or not task.cancelling():
            raise WorkCancelledWithin(f"{self._what} was cancelled although nobody asked for it") from error
