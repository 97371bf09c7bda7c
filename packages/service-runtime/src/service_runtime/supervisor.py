"""Named tasks that live and die together."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from service_runtime.clock import Clock
from service_runtime.errors import ServiceFailed

_CANCELLATION_SECONDS = 5
"""How long a cancelled task may take to clean up before it is left behind."""

_log = structlog.get_logger(__name__)

Job = Callable[[], Awaitable[None]]
"""A task's body, callable again for each restart."""


class Supervisor:
    """Starts tasks, restarts those that may be, and brings all down when one fails that may not."""

    def __init__(self, clock: Clock) -> None:
        self.stopping = asyncio.Event()
        self.finished = asyncio.Event()
        self.waiting = False
        """Whether `run_until_stopped` has been reached."""
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: str | None = None

    def run(self, name: str, job: Job, *, restart_after_seconds: float | None) -> None:
        """Start a task; see ServiceContext.run."""
        body = self._once(name, job) if restart_after_seconds is None else self._again(name, job, restart_after_seconds)
        task = asyncio.create_task(body, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._on_end)

    async def run_until_stopped(self, *, grace_seconds: float) -> None:
        """Wait for `stopping`, then for the tasks; see ServiceContext.run_until_stopped."""
        self.waiting = True
        try:
            await self.stopping.wait()
            await self._finish(grace_seconds)
        finally:
            await self._cancel_rest()
            self.finished.set()
        if self._failed is not None:
            raise ServiceFailed(f"the task '{self._failed}' ended although the service was not stopping")

    def _on_end(self, task: asyncio.Task[None]) -> None:
        """Bring the service down with a task that was cancelled before the stop: by itself, or by a library in it."""
        self._tasks.discard(task)
        if task.cancelled() and not self.stopping.is_set():
            self._failed = self._failed or task.get_name()
            self.stopping.set()

    async def _once(self, name: str, job: Job) -> None:
        if await self._attempt(name, job):
            self._failed = self._failed or name
            self.stopping.set()

    async def _again(self, name: str, job: Job, pause_seconds: float) -> None:
        while await self._attempt(name, job):
            _log.warning("task_restarting", task=name, pause_seconds=pause_seconds)
            await self._pause(pause_seconds)
            if self.stopping.is_set():
                return

    async def _attempt(self, name: str, job: Job) -> bool:
        """Run the job once; whether it ended too early. What it raised is logged here and nowhere else."""
        try:
            await job()
        except asyncio.CancelledError:
            if _asked_to_stop():
                raise
            _log.exception("task_failed", task=name)
            return not self.stopping.is_set()
        except Exception:  # noqa: BLE001 - a supervisor outlives whatever its tasks raise
            _log.exception("task_failed", task=name)
            return not self.stopping.is_set()
        if self.stopping.is_set():
            return False
        _log.error("task_ended", task=name)
        return True

    async def _pause(self, seconds: float) -> None:
        """Let the pause pass, or less when the service stops meanwhile."""
        pause = asyncio.ensure_future(self._clock.pause(seconds))
        stop = asyncio.create_task(self.stopping.wait())
        try:
            await asyncio.wait({pause, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            stop.cancel()

    async def _finish(self, grace_seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace_seconds)

    async def _cancel_rest(self) -> None:
        rest = set(self._tasks)
        for task in rest:
            _log.warning("task_cancelled", task=task.get_name())
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=_CANCELLATION_SECONDS)


def _asked_to_stop() -> bool:
    """Whether the running task was cancelled from outside, rather than a library having leaked a cancellation."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
