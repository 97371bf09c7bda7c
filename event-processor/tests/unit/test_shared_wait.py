"""One wait, shared."""

import asyncio

from event_processor.shared_wait import SharedWait


async def test_all_who_wait_share_one_task_until_the_event_is_set() -> None:
    """Ten thousand attempts leave no tasks behind, and each sees the stop."""
    shared, event = SharedWait(), asyncio.Event()
    before = len(asyncio.all_tasks())

    waits = {shared.wait_for(event) for _ in range(10_000)}
    assert len(asyncio.all_tasks()) == before + 1
    event.set()

    assert [await wait for wait in waits] == [True]


async def test_a_wait_that_was_cancelled_by_mistake_is_begun_anew() -> None:
    """One culprit does not blind the others to the stop."""
    shared, event = SharedWait(), asyncio.Event()
    first = shared.wait_for(event)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)

    again = shared.wait_for(event)
    event.set()

    assert await again is True
