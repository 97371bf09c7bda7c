"""Keeps cancellations that a library loses.

In Python 3.11 `asyncio.wait_for`, through which redis-py sends, drops a cancellation that arrives together with its
result. A task that loops over such calls would then never end.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def cancellation_kept() -> Generator[None]:
    """Around an awaited call: when the task was cancelled meanwhile and the call returned all the same, cancel it.

    Raises:
        CancelledError: the cancellation that was lost inside.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0

    def was_lost() -> bool:
        return task is not None and task.cancelling() > before

    try:
        yield
    except Exception as error:
        if was_lost():
            raise asyncio.CancelledError from error
        raise
    if was_lost():
        raise asyncio.CancelledError
