"""Time limits that begin to run when the service is told to stop.

Until then a limit is neither a task nor a timer, so every attempt and every wait for work can have one.
"""

import asyncio
from types import TracebackType


class StopLimits:
    """The limits of what is under way. They begin while `watch` runs."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._under_way: set[_Limit] = set()

    async def watch(self) -> None:
        """Wait for the stop, and let every limit begin."""
        await self._stop.wait()
        for limit in self._under_way:
            limit.begin()

    def after_stop(self, seconds: float) -> "_Limit":
        """Let a `with` block go on until this many seconds after the stop; TimeoutError says that it was cut short."""
        return _Limit(seconds, self._stop, self._under_way)


class _Limit:
    """Cancels the task it is entered in, and makes a TimeoutError of that: `asyncio.timeout`, begun later."""

    __slots__ = ("_cancellations", "_is_over", "_others", "_seconds", "_stop", "_task", "_timer")

    def __init__(self, seconds: float, stop: asyncio.Event, others: "set[_Limit]") -> None:
        self._seconds = seconds
        self._stop = stop
        self._others = others
        self._task: asyncio.Task[object] | None = None
        self._cancellations = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False

    def __enter__(self) -> None:
        """Begin at once when the service stops already.

        Raises:
            RuntimeError: there is no task that could be cut short.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a limit needs a task to cut short")
        self._task = task
        self._cancellations = task.cancelling()
        self._others.add(self)
        if self._stop.is_set():
            self.begin()

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Tell this limit's cancellation from any other."""
        self._others.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if not self._is_over or self._task is None:
            return
        if self._task.uncancel() <= self._cancellations and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def begin(self) -> None:
        """Let the time run, unless it does already."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._cut_short)

    def _cut_short(self) -> None:
        if self._task is not None:
            self._is_over = True
            self._task.cancel()
