"""A future whose task goes on at once."""

import asyncio
from contextvars import ContextVar

import pytest

from event_queue.prompt_future import PromptFuture

BOUND_SECONDS = 5
NAME: ContextVar[str] = ContextVar("name")

Future = PromptFuture[str]


def future() -> Future:
    return PromptFuture(asyncio.get_running_loop())


async def waiting_for(expected: Future, told: list[str]) -> str:
    told.append("waits")
    result = await expected
    told.append(f"has {result}")
    return result


async def begun(expected: Future, told: list[str]) -> "asyncio.Task[str]":
    """A task that stands at its wait."""
    task = asyncio.create_task(waiting_for(expected, told))
    while not told:
        await asyncio.wait({task}, timeout=0.01)
    return task


def from_a_callback(*steps: tuple[object, ...]) -> None:
    """Do these in one turn of the loop, in which no task runs."""

    def do_all() -> None:
        for step, *arguments in steps:
            assert callable(step)
            step(*arguments)

    asyncio.get_running_loop().call_soon(do_all)


async def test_the_task_goes_on_before_the_result_is_set() -> None:
    """What comes behind in the same callback finds it gone on."""
    expected, told = future(), list[str]()
    task = await begun(expected, told)

    from_a_callback((expected.set_result, "it"), (told.append, "set"))

    assert await task == "it"
    assert told == ["waits", "has it", "set"]


async def test_the_task_goes_on_in_its_own_context() -> None:
    """Its variables are those that it set, not those of whoever brings the result."""
    expected = future()

    async def work() -> str:
        NAME.set("the task's")
        await expected
        return NAME.get()

    task = asyncio.create_task(work())
    await asyncio.wait({task}, timeout=0.01)
    NAME.set("another's")
    from_a_callback((expected.set_result, "it"))

    assert await task == "the task's"


async def test_a_cancellation_behind_the_result_takes_nothing_away() -> None:
    """The reply was there first. asyncio's own future would have lost it."""
    expected, told = future(), list[str]()
    task = await begun(expected, told)

    from_a_callback((expected.set_result, "it"), (task.cancel,))

    assert await task == "it"


async def test_a_cancellation_before_the_result_stands() -> None:
    """What comes later is nobody's."""
    expected, told = future(), list[str]()
    task = await begun(expected, told)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert expected.done()
    assert not expected.cancel()
    assert told == ["waits"]


async def test_a_time_limit_ends_the_wait() -> None:
    """By cancelling it, and knows its own cancellation again."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await future()


async def test_an_error_is_raised_where_it_was_waited_for() -> None:
    """In place of a result."""
    expected, told = future(), list[str]()
    task = await begun(expected, told)

    expected.set_exception(ValueError("no"))

    with pytest.raises(ValueError, match="no"):
        await task


async def test_what_is_there_already_is_not_waited_for() -> None:
    """A result that came first."""
    expected = future()
    expected.set_result("it")

    async with asyncio.timeout(BOUND_SECONDS):
        assert await expected == "it"


async def test_a_task_that_was_cancelled_before_its_wait_does_not_wait() -> None:
    """What it hands over is cancelled then."""
    expected, told = future(), list[str]()
    task = asyncio.create_task(waiting_for(expected, told))
    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()

    async def cancel_oneself() -> None:
        current = asyncio.current_task()
        assert current is not None
        current.cancel()
        await expected

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(cancel_oneself())
    assert expected.done()
