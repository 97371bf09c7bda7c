"""Telling others how a part of the service is: at each change, and again and again so that silence means trouble."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

_log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 5.0
"""Readers take a part for lost after three missed reports."""
_REST_SECONDS = 0.2
"""From one report to the next at least: a flurry of changes costs a few reports a second, not one for each."""

ReportT = TypeVar("ReportT")


class Reporter(Generic[ReportT]):
    """Posts what `describe` says, every `interval_seconds` and after `changed`: at once, unless one was just posted."""

    def __init__(
        self,
        describe: Callable[[], ReportT],
        post: Callable[[ReportT], Awaitable[None]],
        *,
        tolerated: type[Exception],
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._describe = describe
        self._post = post
        self._tolerated = tolerated
        self._interval_seconds = interval_seconds
        self._changed = asyncio.Event()
        self._reachable = True

    def changed(self) -> None:
        """The described state is another one now."""
        self._changed.set()

    async def run(self) -> None:
        """Report for ever.

        A report that cannot be posted (`tolerated`, or no answer in one interval) is dropped: the next replaces it.
        """
        while True:
            self._changed.clear()
            rested = asyncio.get_running_loop().time() + _REST_SECONDS
            await self._report()
            _end_if_cancelled()
            await self._wait_for_change()
            await _wait_until(rested)

    async def _report(self) -> None:
        try:
            async with asyncio.timeout(self._interval_seconds):
                await self._post(self._describe())
        except (self._tolerated, TimeoutError) as error:
            if self._reachable:
                _log.warning("report_not_posted", error=str(error) or type(error).__name__)
            self._reachable = False
        else:
            self._reachable = True

    async def _wait_for_change(self) -> None:
        try:
            async with asyncio.timeout(self._interval_seconds):
                await self._changed.wait()
        except TimeoutError:
            return


async def _wait_until(moment: float) -> None:
    """Wait until a moment of the event loop's clock; at once when it has passed."""
    loop = asyncio.get_running_loop()
    if moment <= loop.time():
        return
    waiting: asyncio.Future[None] = loop.create_future()
    timer = loop.call_at(moment, waiting.set_result, None)
    try:
        await waiting
    finally:
        timer.cancel()


def _end_if_cancelled() -> None:
    """A cancellation that a store's driver has swallowed while a report was posted still ends the task.

    Raises:
        CancelledError: the task has been asked to end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
