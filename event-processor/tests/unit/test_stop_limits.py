"""Limits that begin with the stop."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest

from event_processor.stop_limits import StopLimits

LONG = 60.0


@asynccontextmanager
async def watching() -> AsyncGenerator[tuple[StopLimits, asyncio.Event]]:
    """Limits that somebody watches, and the stop they heed."""
    stop = asyncio.Event()
    limits = StopLimits(stop)
    watch = asyncio.create_task(limits.watch())
    try:
        async with asyncio.timeout(LONG):
            yield limits, stop
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


async def test_a_block_is_cut_short_after_the_stop() -> None:
    """What is under way when the stop comes has its seconds from then on, and no more."""
    async with watching() as (limits, stop):
        asyncio.get_running_loop().call_soon(stop.set)
        with pytest.raises(TimeoutError), limits.after_stop(0.01):
            await asyncio.Event().wait()


async def test_a_block_begun_after_the_stop_is_cut_short_too() -> None:
    """Nothing slips through between the look at the stop and the wait."""
    async with watching() as (limits, stop):
        stop.set()
        with pytest.raises(TimeoutError), limits.after_stop(0):
            await asyncio.Event().wait()


async def test_each_block_has_a_limit_of_its_own() -> None:
    """A wait ends at once, while an attempt beside it may use its grace."""
    async with watching() as (limits, stop):
        ended: list[str] = []

        async def wait(name: str, seconds: float) -> None:
            with suppress(TimeoutError), limits.after_stop(seconds):
                await asyncio.Event().wait()
            ended.append(name)

        async with asyncio.TaskGroup() as group:
            group.create_task(wait("attempt", 0.05))
            group.create_task(wait("wait", 0))
            asyncio.get_running_loop().call_soon(stop.set)

    assert ended == ["wait", "attempt"]


async def test_a_block_that_ends_in_time_leaves_nothing_behind() -> None:
    """Ten thousand attempts leave no task and no timer, and the stop passes them by."""
    async with watching() as (limits, stop):
        before = len(asyncio.all_tasks())
        for _ in range(10_000):
            with limits.after_stop(0):
                pass

        assert len(asyncio.all_tasks()) == before
        stop.set()
        await asyncio.wait({asyncio.create_task(limits.watch())})
