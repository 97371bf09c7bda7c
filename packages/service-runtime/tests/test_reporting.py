"""Reports come at each change and again and again, and a lost one does no harm."""

import asyncio
import contextlib

import pytest

from service_runtime.reporting import Reporter


class Unreachable(Exception):
    """The board is away."""


class Board:
    """Keeps what is posted, after failing a given number of times."""

    def __init__(self, failures: int = 0, error: Exception | None = None) -> None:
        self.posted: asyncio.Queue[int] = asyncio.Queue()
        self._failures = failures
        self._error = error or Unreachable("away")

    async def post(self, report: int) -> None:
        if self._failures > 0:
            self._failures -= 1
            raise self._error
        self.posted.put_nowait(report)


class Counter:
    """Describes itself by how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def describe(self) -> int:
        self.asked += 1
        return self.asked


def start(board: Board, interval_seconds: float) -> tuple[Reporter[int], asyncio.Task[None]]:
    reporter = Reporter(Counter().describe, board.post, tolerated=Unreachable, interval_seconds=interval_seconds)
    return reporter, asyncio.create_task(reporter.run())


async def test_a_change_is_reported_at_once() -> None:
    """Long before the interval has passed."""
    board = Board()
    reporter, task = start(board, interval_seconds=60)
    first = await board.posted.get()

    reporter.changed()

    assert (first, await board.posted.get()) == (1, 2)
    task.cancel()


async def test_a_flurry_of_changes_is_told_by_its_last_state() -> None:
    """A worker that ends thousands of events a second must not report as often; what came last is never left untold."""
    board = Board()
    reporter, task = start(board, interval_seconds=60)
    await board.posted.get()

    for _ in range(1000):
        reporter.changed()
        await asyncio.wait({task}, timeout=0)
    last = await board.posted.get()

    assert last <= 50
    assert board.posted.empty()
    task.cancel()


async def test_without_a_change_the_state_is_repeated() -> None:
    """Silence would mean that the service is gone; each report is described anew."""
    board = Board()
    _, task = start(board, interval_seconds=0.01)

    assert [await board.posted.get() for _ in range(3)] == [1, 2, 3]
    task.cancel()


@pytest.mark.parametrize("error", [Unreachable("away"), TimeoutError()])
async def test_a_report_that_cannot_be_posted_is_replaced_by_the_next(error: Exception) -> None:
    """The reporter outlives an outage."""
    board = Board(failures=2, error=error)
    _, task = start(board, interval_seconds=0.01)

    assert await board.posted.get() == 3
    task.cancel()


async def test_another_error_is_not_hidden() -> None:
    """What was not named as passing ends the reporter, and its supervisor tells."""
    _, task = start(Board(failures=1, error=ValueError("a bug")), interval_seconds=0.01)

    with pytest.raises(ValueError, match="a bug"):
        await task


async def test_a_cancellation_swallowed_while_posting_still_ends_the_reports() -> None:
    """A driver that lets the cancellation pass as an answer does not keep the service from stopping."""
    posting, never = asyncio.Event(), asyncio.Event()

    async def swallow(_report: int) -> None:
        posting.set()
        with contextlib.suppress(asyncio.CancelledError):
            await never.wait()

    running = asyncio.create_task(
        Reporter(Counter().describe, swallow, tolerated=Unreachable, interval_seconds=60).run()
    )
    await posting.wait()

    running.cancel()
    await asyncio.wait({running}, timeout=2)

    assert running.cancelled()
