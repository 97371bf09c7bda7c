"""Ends endless work when the service stops, and lets end what cannot be cut short."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Final

CANCEL_AGAIN_SECONDS: Final = 2.5
"""Longer than any cleanup of a cancelled task takes."""


async def until_stopped(
    stopping: asyncio.Event,
    job: Callable[[], Coroutine[None, None, None]],
    *,
    cancel_again_seconds: float = CANCEL_AGAIN_SECONDS,
) -> None:
    """Run the job until `stopping` is set, then cancel it and wait for its cleanup.

    A job that is done earlier is waited out; what it raises comes in an ExceptionGroup.
    """
    async with asyncio.TaskGroup() as group:
        work = group.create_task(job())
        await stopping.wait()
        await end_task(work, cancel_again_seconds=cancel_again_seconds)


async def to_its_end(work: Coroutine[None, None, None]) -> None:
    """Await what ends soon, as a thread at work on the disk does; cancelled, it is waited for all the same."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    finally:
        await asyncio.wait({task})


async def end_task(task: asyncio.Task[None], *, cancel_again_seconds: float = CANCEL_AGAIN_SECONDS) -> None:
    """Cancel a task and wait for its end.

    One cancellation may not be enough: in Python 3.11 `asyncio.wait_for`, through which redis-py sends and the Ably
    SDK waits for pings, loses one that comes together with its result.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=cancel_again_seconds)
