"""Small parts of the worker: locks, ages, calls for operators, permission."""

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from event_processor.account_locks import AccountLocks
from event_processor.attempt import Failed
from event_processor.event_age import outdated
from event_processor.failures import FailureKind
from event_processor.history_gate import HistoryGate
from event_processor.live_permission import LivePermission
from event_processor.operator_attention import OperatorAttention
from event_processor.testing.scenario import ACCOUNT, NOON
from event_processor.testing.worker_world import WorkerWorld
from event_processor.trading_halt import TradingHalt
from event_queue.errors import TradingPaused
from event_queue.events import Command, RebalanceEvent
from service_runtime.notifications.notice import Nobody, Notice

EVENT = RebalanceEvent.new(account_id=ACCOUNT, exec_command=Command.REBALANCE, source="api", now=NOON)
OTHER = RebalanceEvent.new(account_id=ACCOUNT, exec_command=Command.REBALANCE, source="api", now=NOON)


class Listening(Nobody):
    """`Notifier` that keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[Notice] = []

    def notify(self, notice: Notice) -> None:
        """Keep it."""
        self.heard.append(notice)


async def test_one_account_is_locked_and_another_is_not() -> None:
    """Those who wait get the lock in the order of asking."""
    locks, order = AccountLocks(), list[str]()

    async def work(name: str, account_id: str) -> None:
        async with locks.of(account_id):
            order.append(name)
            if name == "DU2":
                other_account_worked.set()
            await other_account_worked.wait()

    other_account_worked = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for name in ("first of DU1", "second of DU1", "DU2", "third of DU1"):
            group.create_task(work(name, name[-3:]))

    assert order == ["first of DU1", "DU2", "second of DU1", "third of DU1"]


@pytest.mark.parametrize(
    ("age", "limit", "is_outdated"),
    [(60, 0, False), (60, 60, False), (60.1, 60, True), (3, 60, False), (None, 60, False)],
)
async def test_an_event_is_outdated_beyond_the_limit(age: float | None, limit: float, *, is_outdated: bool) -> None:
    """A limit of 0 is none; an event of which nobody knows how old it is goes on."""

    async def age_of(_event: RebalanceEvent) -> timedelta | None:
        return None if age is None else timedelta(seconds=age)

    assert bool(await outdated(EVENT, age_of, limit)) is is_outdated


def test_operators_are_called_once_for_each_event_and_text() -> None:
    """And not at all for what heals by itself."""
    notifier = Listening()
    attention = OperatorAttention(notifier)
    rejected, other = Failed(FailureKind.REJECTED, "201: no"), Failed(FailureKind.REJECTED, "201: why")

    with capture_logs() as lines:
        for event, failure in ((EVENT, rejected), (EVENT, rejected), (EVENT, other), (OTHER, rejected)):
            attention.call_for(event, failure)
        attention.call_for(EVENT, Failed(FailureKind.CONNECTION, "gone"))

    assert [(line["event"], line["log_level"], line["error"]) for line in lines] == [
        ("operator_attention", "error", "201: no"),
        ("operator_attention", "error", "201: why"),
        ("operator_attention", "error", "201: no"),
    ]
    assert [notice.subject for notice in notifier.heard] == [
        f"{EVENT.event_id} 201: no",
        f"{EVENT.event_id} 201: why",
        f"{OTHER.event_id} 201: no",
    ]
    assert notifier.heard[0].title == f"rebalance of account {ACCOUNT} needs an operator"
    assert "201: no" in notifier.heard[0].body


@pytest.mark.parametrize(("scope", "refused"), [(ACCOUNT, True), ("*", True), ("DU2", False)])
async def test_a_pause_refuses_its_scope(world: WorkerWorld, scope: str, *, refused: bool) -> None:
    """The account's own, or that of all."""
    gate = HistoryGate(TradingHalt(world.queue.components), world.queue.mending, world.queue.components)
    permission = LivePermission(gate, world.queue.trading)
    await world.queue.trading.pause(scope, actor="operator", reason="look first")

    if refused:
        with pytest.raises(TradingPaused, match="look first"):
            await permission.require(ACCOUNT)
    else:
        await permission.require(ACCOUNT)
