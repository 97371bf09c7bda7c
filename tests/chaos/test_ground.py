"""What trials share survives them: stores come back after each fault, and a trial that breaks down spoils no other."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from chaos.figures import Figures
from chaos.ground import Ground
from chaos.outcome import DRIVER
from chaos.restarts import Restarts

SEED = 1
"""Of a schedule that a sound product passes."""


class Store:
    """Takes down what is done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def kill(self) -> None:
        self.done.append("killed")

    def start(self) -> None:
        self.done.append("started")


class Outage:
    """The time for which a fault keeps a store away."""

    def __init__(self) -> None:
        self.has_begun, self.is_enough = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        self.has_begun.set()
        await self.is_enough.wait()


@pytest.fixture
async def ground(pytestconfig: pytest.Config) -> AsyncGenerator[Ground]:
    """For trials of any kind."""
    ground = Ground((pytestconfig.rootpath / "init.sql").read_text("utf-8"), SEED)
    yield ground
    await ground.close()


async def test_a_store_is_started_again_though_the_fault_that_killed_it_is_cancelled() -> None:
    """A dead store would fail every trial after this one."""
    store, restarts, outage = Store(), Restarts(), Outage()
    fault = asyncio.create_task(restarts.restart(store, outage))
    await outage.has_begun.wait()

    fault.cancel()
    await asyncio.wait({fault})
    outage.is_enough.set()
    await restarts.ended()

    assert fault.cancelled()
    assert store.done == ["killed", "started"]


async def test_whoever_needs_a_store_waits_until_it_is_back() -> None:
    """What is asked of a store that another fault has just killed would fail, and end the fault that asked half-way."""
    store, restarts, outage = Store(), Restarts(), Outage()
    fault = asyncio.create_task(restarts.restart(store, outage))
    await outage.has_begun.wait()

    asyncio.get_running_loop().call_soon(outage.is_enough.set)
    async with restarts.none():
        found = list(store.done)
    await fault

    assert found == ["killed", "started"]


@pytest.mark.integration
async def test_a_trial_that_breaks_down_is_told_and_spoils_no_other(ground: Ground) -> None:
    """PostgreSQL is gone for good: the trial that meets it says so, and the next one has a new one."""
    (await ground.shared.get()).database.server.kill()

    broken = await ground.run("schedule", SEED)
    sound = await ground.run("schedule", SEED)

    figures = Figures(SEED, [broken, sound])
    assert broken.is_void
    assert (broken.seed, broken.faults) == (SEED, ["F25"])
    assert [finding.invariant for finding in broken.findings] == [DRIVER]
    assert broken.findings[0].words.startswith("ConnectionRefusedError")
    assert sound.findings == []
    assert not figures.is_good
    assert "0 trials with violations, 1 errors of the driver" in figures.line()
