"""Cancellations that a library loses are made good."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from event_queue.cancellation import CancellationKept


async def run_and_cancel(work: Callable[[asyncio.Event], Awaitable[None]]) -> asyncio.Task[None]:
    """Start work that says when it has begun, cancel it then, and let it end."""
    begun = asyncio.Event()

    async def guarded() -> None:
        with CancellationKept():
            await work(begun)

    task = asyncio.create_task(guarded())
    await begun.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    return task


async def deaf(begun: asyncio.Event) -> None:
    """Return as if nothing had happened, as `wait_for` does when result and cancellation arrive together."""
    begun.set()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return


async def test_a_lost_cancellation_ends_the_task() -> None:
    """The caller is cancelled although the call returned."""
    task = await run_and_cancel(deaf)

    assert task.cancelled()


async def test_an_error_does_not_hide_a_lost_cancellation() -> None:
    """A call that fails after it lost the cancellation still ends the task."""

    async def failing(begun: asyncio.Event) -> None:
        await deaf(begun)
        raise ConnectionError("gone")

    task = await run_and_cancel(failing)

    assert task.cancelled()


async def test_a_timeout_inside_is_no_cancellation() -> None:
    """A wait that ends by its own limit leaves its task alone."""
    with CancellationKept(), pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    assert asyncio.current_task() is not None


async def test_cleaning_up_after_a_cancellation_may_go_on() -> None:
    """What was cancelled before the call does not count against it."""
    cleaned: list[str] = []

    async def work(begun: asyncio.Event) -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            with CancellationKept():
                cleaned.append("released")

    task = await run_and_cancel(work)

    assert task.cancelled()
    assert cleaned == ["released"]
