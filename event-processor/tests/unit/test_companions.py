"""What runs beside the work outlives its errors."""

import asyncio

import pytest

from event_processor.companions import AGAIN_SECONDS, Companions
from event_processor.testing.hand_clock import HandClock
from event_processor.testing.scenario import NOON
from event_processor.worker_status import WorkerStatus
from event_queue.components import ComponentState
from event_queue.errors import LeaseLost
from event_queue.outcomes import Lease


class Unlucky:
    """A companion that fails so often, and then lasts."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.lasts = asyncio.Event()

    async def run(self) -> None:
        """Fail, or last."""
        if self.errors:
            raise self.errors.pop(0)
        self.lasts.set()
        await asyncio.Event().wait()


def _state(status: WorkerStatus) -> ComponentState | None:
    report = status.report(NOON)
    return report.state if report else None


async def test_one_that_fails_begins_again_after_a_pause() -> None:
    """And is told of until then."""
    clock, status, unlucky = HandClock(NOON), WorkerStatus(), Unlucky(ArithmeticError("NaN"), KeyError("x"))
    status.holding(Lease("host:1:1.00:3", 3, 15_000))
    keeping = asyncio.create_task(Companions(clock, status).keep("fills", unlucky.run))
    for count in (1, 2):
        await clock.until_paused(count)
        assert _state(status) is ComponentState.DEGRADED
        clock.advance(AGAIN_SECONDS)
    await unlucky.lasts.wait()

    keeping.cancel()

    assert _state(status) is ComponentState.OK
    assert clock.paused_for == [AGAIN_SECONDS] * 2


async def test_a_lost_lease_ends_it() -> None:
    """Whoever leads now has companions of its own."""
    companions = Companions(HandClock(NOON), WorkerStatus())

    with pytest.raises(LeaseLost):
        await companions.keep("fills", Unlucky(LeaseLost("passed on")).run)
