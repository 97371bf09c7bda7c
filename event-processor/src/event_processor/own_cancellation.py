"""Telling a cancellation that was asked for from one that escaped from somewhere inside.

A task group takes a child that ends cancelled for one that was told to, and goes on without it: a hand of the worker
would be gone for good, with its event in it and the lease still renewed.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from event_processor.errors import WorkCancelledWithin


@contextmanager
def only_cancelled_when_asked(what: str) -> Generator[None]:
    """Let a cancellation of the running task pass, and make an error of any other.

    Raises:
        WorkCancelledWithin: something inside was cancelled although nobody cancelled this task.
    """
    try:
        yield
    except asyncio.CancelledError as cancelled:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise WorkCancelledWithin(f"{what} was cancelled although nobody asked for it") from cancelled
