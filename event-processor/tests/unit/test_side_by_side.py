"""Awaiting together, and whose error counts."""

import asyncio

import pytest

from event_processor.side_by_side import both, every, first_of, started


class Work:
    """Coroutines that note when they are cancelled."""

    def __init__(self) -> None:
        self.cancelled = False

    async def forever(self) -> str:
        """Never end by itself."""
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return "never"


async def value(result: str) -> str:
    """A result."""
    return result


async def failure(error: Exception) -> str:
    """An error."""
    raise error


async def test_both_results_arrive_in_order() -> None:
    """Whichever was first."""
    assert await both(value("a"), value("b")) == ("a", "b")


async def test_the_first_ones_error_counts_even_when_the_second_failed_sooner() -> None:
    """So that which error an event shows never depends on timing."""

    async def late() -> str:
        await asyncio.wait({asyncio.ensure_future(value("x"))})
        raise KeyError

    with pytest.raises(KeyError):
        await both(late(), failure(ValueError()))


async def test_a_failure_cancels_the_other() -> None:
    """Nothing goes on unwatched."""
    work = Work()

    async def fail_when_the_other_runs() -> str:
        await asyncio.wait({asyncio.ensure_future(value("x"))})
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await both(fail_when_the_other_runs(), work.forever())

    assert work.cancelled


async def test_every_runs_all_to_their_ends() -> None:
    """One's error stops no other."""
    results, errors = await every([value("a"), failure(ValueError()), value("b")])

    assert results == ["a", "b"]
    assert [type(error) for error in errors] == [ValueError]


async def test_the_first_of_two_ends_the_other() -> None:
    """The result of the work, or None when the other ended."""
    work = Work()

    assert await first_of(value("done"), work.forever()) == "done"
    assert await first_of(work.forever(), value("stop")) is None
    assert work.cancelled


async def test_what_a_block_leaves_is_cancelled() -> None:
    """Its error is taken too, so that none is reported as never retrieved."""
    work = Work()

    async with started(work.forever()) as running, started(failure(ValueError())) as failing:
        await asyncio.wait({failing})
        assert not running.done()

    assert work.cancelled
