"""Tasks that live and die together."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from service_runtime.errors import ServiceFailed
from service_runtime.supervisor import Supervisor


@dataclass
class RecordingClock:
    """Pauses that take no time, or for ever once `patience` pauses have been taken."""

    patience: int = 1000
    pauses: list[float] = field(default_factory=list[float])
    stuck: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> datetime:
        return datetime(2023, 12, 1, tzinfo=UTC)

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) >= self.patience:
            self.stuck.set()
            await asyncio.Event().wait()


@pytest.fixture
def clock() -> RecordingClock:
    return RecordingClock()


@pytest.fixture
def supervisor(clock: RecordingClock) -> Supervisor:
    return Supervisor(clock)


async def for_ever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise ValueError("broken")


async def end() -> None:
    return


async def leak_a_cancellation() -> None:
    raise asyncio.CancelledError


async def cancel_itself() -> None:
    """As a library does that ends its own waits so, and forgets to take it back."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await for_ever()


@pytest.mark.parametrize("job", [fail, end, leak_a_cancellation, cancel_itself])
async def test_a_task_that_ends_too_early_takes_the_others_down(supervisor: Supervisor, job: object) -> None:
    """By an error, without one, or by a cancellation that nobody asked for."""
    cancelled = asyncio.Event()

    async def bystander() -> None:
        try:
            await for_ever()
        finally:
            cancelled.set()

    supervisor.run("bystander", bystander, restart_after_seconds=None)
    supervisor.run("fragile", job, restart_after_seconds=None)  # pyright: ignore[reportArgumentType] - one of the above

    with pytest.raises(ServiceFailed, match="fragile"):
        await supervisor.run_until_stopped(grace_seconds=0.01)

    assert cancelled.is_set()
    assert supervisor.finished.is_set()


@pytest.mark.parametrize("job", [fail, end, leak_a_cancellation])
async def test_a_restartable_task_is_started_again_after_a_pause(
    supervisor: Supervisor, clock: RecordingClock, job: object
) -> None:
    """However it ended; the service goes on."""
    clock.patience = 3
    supervisor.run("patient", job, restart_after_seconds=30)  # pyright: ignore[reportArgumentType] - one of the above
    await clock.stuck.wait()

    supervisor.stopping.set()
    await supervisor.run_until_stopped(grace_seconds=1)

    assert clock.pauses == [30, 30, 30]


async def test_a_restartable_task_that_cancels_itself_ends_the_service(supervisor: Supervisor) -> None:
    """Nobody can tell it from one that was told to end, so it is not tried again; but it is not missed in silence."""
    supervisor.run("patient", cancel_itself, restart_after_seconds=30)

    with pytest.raises(ServiceFailed, match="patient"):
        await supervisor.run_until_stopped(grace_seconds=0.01)


async def test_a_task_that_ends_when_asked_to_is_no_failure(supervisor: Supervisor) -> None:
    """It sees the stop signal and finishes its work within the grace."""
    finished: list[str] = []

    async def polite() -> None:
        await supervisor.stopping.wait()
        finished.append("polite")

    supervisor.run("polite", polite, restart_after_seconds=None)
    supervisor.stopping.set()

    await supervisor.run_until_stopped(grace_seconds=60)

    assert finished == ["polite"]


async def test_a_task_that_fails_while_stopping_is_no_failure(supervisor: Supervisor) -> None:
    """Connections break when everything goes down."""

    async def clumsy() -> None:
        await supervisor.stopping.wait()
        raise OSError("connection lost")

    supervisor.run("clumsy", clumsy, restart_after_seconds=None)
    supervisor.stopping.set()

    await supervisor.run_until_stopped(grace_seconds=60)

    assert supervisor.finished.is_set()


async def test_what_outlives_the_grace_is_cancelled(supervisor: Supervisor) -> None:
    """A task that does not listen is ended."""
    supervisor.run("deaf", for_ever, restart_after_seconds=None)
    supervisor.stopping.set()

    await supervisor.run_until_stopped(grace_seconds=0.01)

    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "deaf"] == []


async def test_without_tasks_a_stop_is_immediate(supervisor: Supervisor) -> None:
    """There is nothing to wait for."""
    supervisor.stopping.set()

    await supervisor.run_until_stopped(grace_seconds=60)

    assert supervisor.finished.is_set()
