"""Ends endless work when the service stops."""

import asyncio
from collections.abc import Callable, Coroutine


async def until_stopped(stopping: asyncio.Event, job: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run the job until `stopping` is set, then cancel it and wait for its cleanup.

    A job that is done earlier is waited out; what it raises comes in an ExceptionGroup.
    """
    async with asyncio.TaskGroup() as group:
        work = group.create_task(job())
        await stopping.wait()
        work.cancel()
