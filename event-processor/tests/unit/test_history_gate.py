"""Nothing is traded on a Redis that history contradicts, or that nobody has compared since it started."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from event_processor.errors import HistoryUnchecked, TradingHalted
from event_processor.failures import FailureKind, classify
from event_processor.history_gate import HistoryGate
from event_processor.rebalancer.attempt_number import unused_attempt
from event_processor.trading_halt import TradingHalt
from event_queue.components import ComponentReport, ComponentState
from event_queue.errors import QueueHalted
from event_queue.redis_queue import RedisQueue
from event_queue.testing.fake_redis import fake_queue

NOW = datetime(2025, 6, 24, tzinfo=UTC)
EVENT = UUID("9c9960b5-6689-4a4e-8b0e-5f1f7f0a0001")


@dataclass(slots=True)
class Marks:
    """What stands in Redis; `looks` counts how often it was read."""

    halt: str = ""
    checked: str = ""
    looks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def halt_reason(self) -> str:
        return self.halt

    async def checked_run(self) -> str:
        self.looks.release()
        return self.checked

    async def run_id(self) -> str:
        return "this run"


def _gate(queue: RedisQueue, marks: Marks, *, patience_seconds: float = 3600.0) -> HistoryGate:
    """A gate that looks again at a report, or in an hour."""
    return HistoryGate(TradingHalt(queue.components), marks, queue.components, patience_seconds, 3600.0)


@pytest.mark.parametrize(
    "marks",
    [
        pytest.param(Marks(), id="never of a system with a history"),
        pytest.param(Marks(checked="this run"), id="compared"),
    ],
)
async def test_a_compared_redis_may_be_traded_on(marks: Marks) -> None:
    """At once."""
    async with fake_queue() as queue:
        await _gate(queue, marks).require_none()


async def test_a_comparison_that_is_reported_ends_the_wait(redis_queue: RedisQueue) -> None:
    """Nobody looks again and again: the report of whoever compared wakes up who waits."""
    marks = Marks(checked="another run")
    waiting = asyncio.create_task(_gate(redis_queue, marks).require_none())
    for _ in range(2):  # one look before it follows the reports, and one after
        await marks.looks.acquire()

    marks.checked = "this run"
    await redis_queue.components.report(ComponentReport("history", ComponentState.OK, "agree", {}, NOW))
    await asyncio.wait({waiting}, timeout=60)

    assert waiting.done()
    assert waiting.exception() is None


async def test_all_hands_that_wait_take_one_connection(redis_queue: RedisQueue) -> None:
    """More hands than Redis has connections for us: the lease must still be renewed, and the end of it be seen."""
    marks = Marks(checked="another run")
    gate = _gate(redis_queue, marks)
    waiting = [asyncio.create_task(gate.require_none()) for _ in range(32)]
    for _ in range(33):  # one look of each, and one of who follows the reports
        await marks.looks.acquire()

    client: Any = redis_queue.client
    connections = len(await client.client_list(_type="pubsub"))
    marks.checked = "this run"
    await redis_queue.components.report(ComponentReport("history", ComponentState.OK, "agree", {}, NOW))
    done, _ = await asyncio.wait(waiting, timeout=60)

    assert connections == 1
    assert [task.exception() for task in done] == [None] * 32


async def test_who_waits_behind_others_waits_no_longer_than_alone() -> None:
    """The patience of each begins with its own first look."""
    async with fake_queue() as queue:
        gate = _gate(queue, Marks(checked="another run"), patience_seconds=0.5)
        began_at = asyncio.get_running_loop().time()

        answers = await asyncio.gather(*(gate.require_none() for _ in range(20)), return_exceptions=True)

    assert {type(answer) for answer in answers} == {HistoryUnchecked}
    assert asyncio.get_running_loop().time() - began_at < 5


async def test_a_halt_stops_at_once() -> None:
    """In the words of the halt."""
    async with fake_queue() as queue:
        gate = _gate(queue, Marks(halt="halted 1 2 went back"))

        with pytest.raises(QueueHalted, match="went back"):
            await gate.require_none()


async def test_a_run_that_nobody_compared_is_waited_for_and_then_tried_again_soon() -> None:
    """The event is not blamed: it comes back after the pause of a lost connection."""
    async with fake_queue() as queue:
        gate = _gate(queue, Marks(checked="another run"), patience_seconds=0.0)

        with pytest.raises(HistoryUnchecked, match="event-broker") as raised:
            await gate.require_none()

    assert classify(raised.value) is FailureKind.CONNECTION


async def test_a_relay_that_is_down_halts_unless_both_agree_again() -> None:
    """Whoever compares at each second knows earlier than the relay that an operator has put things right."""
    async with fake_queue() as queue:
        gate = _gate(queue, Marks(), patience_seconds=0.0)
        await queue.components.report(ComponentReport("relay", ComponentState.DOWN, "diverged", {}, NOW))
        with pytest.raises(TradingHalted, match="diverged") as raised:
            await gate.require_none()
        assert classify(raised.value) is FailureKind.REJECTED

        await queue.components.report(ComponentReport("history", ComponentState.OK, "agree", {}, NOW))
        await gate.require_none()


@pytest.mark.parametrize(
    ("attempt", "refs", "number"),
    [
        pytest.param(1, [], 1, id="first"),
        pytest.param(2, [f"{EVENT}:1:BUY:A"], 2, id="after an attempt that is known"),
        pytest.param(2, [f"{EVENT}:2:BUY:A", f"{EVENT}:3:SELL:B"], 4, id="after attempts that were lost"),
        pytest.param(1, ["by hand", "", "9c99:7:BUY:A", f"{EVENT}:x"], 1, id="orders of others"),
    ],
)
def test_no_order_reference_is_used_again(attempt: int, refs: list[str], number: int) -> None:
    """The number goes above each that an order of the event carries."""
    assert unused_attempt(EVENT, attempt, refs) == number
