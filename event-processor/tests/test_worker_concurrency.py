"""Several hands: accounts side by side, one event of an account at a time, one lease for all."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from broker_connector_base import Side
from broker_connector_base.testing import (
    LeaveOpen,
    OrderScript,
    PaperAccount,
    PaperBrokerage,
    PaperOrder,
    paper_position,
)
from event_processor.testing.hand_clock import HandClock
from event_processor.testing.scenario import NOON, paper_brokerage
from event_processor.testing.worker_world import WorkerWorld, account_config
from event_queue.audit import AuditKind
from event_queue.events import Command
from event_queue.outcomes import EventState
from event_queue.redis_queue import RedisQueue
from service_runtime.accounts import Accounts

K = AuditKind
NAMES = ("DU1", "DU2", "DU3")


def _brokerage(clock: HandClock) -> PaperBrokerage:
    prices = {"AAA": 50, "BBB": 20, "CCC": 125}
    accounts = [
        PaperAccount(account_id=name, cash=Decimal(0), positions=(paper_position("AAA", 100),)) for name in NAMES
    ]
    brokerage = paper_brokerage(accounts[0], clock, prices)
    spec = brokerage.spec.model_copy(update={"accounts": tuple(accounts)})
    return PaperBrokerage(spec, now=clock.now)


@pytest.fixture
def world(redis_queue: RedisQueue) -> WorkerWorld:
    """A worker with two hands and three accounts, each of which sells AAA first."""
    clock = HandClock(NOON)
    world = WorkerWorld(redis_queue, _brokerage(clock), clock)
    world.accounts = Accounts({name: account_config(name) for name in NAMES})
    world.processing = world.processing.model_copy(update={"concurrency": 2})
    return world


def _hang_every_sell(world: WorkerWorld) -> None:
    for _ in NAMES:
        world.brokerage.scripts.add(OrderScript(LeaveOpen(), "AAA", Side.SELL))


async def _until_orders(world: WorkerWorld, count: int) -> None:
    await world.brokerage.changes.wait_until(lambda: len(world.brokerage.orders) >= count, timeout_seconds=5)


def _orders_of(world: WorkerWorld, account_id: str) -> list[PaperOrder]:
    return [order for order in world.brokerage.orders if order.request.account_id == account_id]


def _release(world: WorkerWorld) -> None:
    for order in world.brokerage.orders:
        order.behaviour = None
    world.brokerage.match_orders()


async def test_two_accounts_trade_side_by_side_and_the_third_waits(world: WorkerWorld) -> None:
    """Both sells are open at once; the third account's event stays in the line until a hand is free."""
    _hang_every_sell(world)
    events = [await world.enqueue(account_id=name) for name in NAMES]
    async with world.running():
        await _until_orders(world, 2)
        states = [(await world.living(event)).state for event in events]
        report = world.status.report(NOON)
        _release(world)
        await world.brokerage.changes.wait_until(lambda: bool(_orders_of(world, "DU3")), timeout_seconds=5)
        _release(world)
        for _ in NAMES:
            await world.next_record(K.COMPLETED)

    assert states == [EventState.PROCESSING, EventState.PROCESSING, EventState.WAITING]
    assert report is not None
    assert [entry["account_id"] for entry in report.facts["in_hand"]] == ["DU1", "DU2"]
    assert all(world.brokerage.ledger(name).shares("CCC") > 0 for name in NAMES)


async def test_events_of_one_account_never_overlap(world: WorkerWorld) -> None:
    """cancel-orders does not cancel the orders of the rebalance that is under way; it comes after it."""
    _hang_every_sell(world)
    await world.enqueue(Command.REBALANCE, "DU1")
    await world.enqueue(Command.CANCEL_ORDERS, "DU1")
    async with world.running():
        await _until_orders(world, 1)
        for _ in range(2):
            await world.next_record(K.CLAIMED)
        cancelled_meanwhile = world.brokerage.journal.subjects("cancel_order")
        _release(world)
        ended = [json.loads((await world.next_record(K.COMPLETED)).event_json)["exec_command"] for _ in range(2)]

    assert cancelled_meanwhile == ()
    assert ended == ["rebalance", "cancel-orders"]


async def test_losing_the_lease_stops_all_hands(world: WorkerWorld) -> None:
    """No hand sends or writes anything more."""
    _hang_every_sell(world)
    events = [await world.enqueue(account_id=name) for name in NAMES[:2]]
    async with world.running():
        await _until_orders(world, 2)
        client: Any = world.queue.client
        await client.set(world.queue.keys.lease, "elsewhere:7:1.00:99")
        records = len(await world.all_kinds())
        world.clock.advance(world.processing.lease_seconds / 3)
        await world.brokerage.changes.wait_until(
            lambda: "disconnect" in {call.name for call in world.brokerage.journal}, timeout_seconds=5
        )
        _release(world)

        assert len(await world.all_kinds()) == records
        assert len(world.brokerage.orders) == 2
        assert {(await world.living(event)).state for event in events} == {EventState.PROCESSING}


async def test_stopping_empties_all_hands(world: WorkerWorld) -> None:
    """Each event goes back for the next start, counted because its order was sent."""
    _hang_every_sell(world)
    events = [await world.enqueue(account_id=name) for name in NAMES[:2]]
    async with world.running() as worker:
        await _until_orders(world, 2)
        world.stop.set()
        await asyncio.wait({worker})

    for event in events:
        living = await world.living(event)
        assert (living.state, living.event.times_queued) == (EventState.WAITING, 2)


async def test_an_event_that_waited_for_its_account_goes_back_unchanged(world: WorkerWorld) -> None:
    """It was in a hand when the service stopped, but nothing was done for it."""
    _hang_every_sell(world)
    await world.enqueue(Command.REBALANCE, "DU1")
    waiting = await world.enqueue(Command.CANCEL_ORDERS, "DU1")
    async with world.running() as worker:
        await _until_orders(world, 1)
        for _ in range(2):
            await world.next_record(K.CLAIMED)
        world.stop.set()
        await asyncio.wait({worker})

    assert (await world.living(waiting)).event == waiting
    assert world.brokerage.journal.subjects("cancel_order") == ()


async def test_a_dead_workers_hands_are_all_emptied(world: WorkerWorld) -> None:
    """The successor recovers what each slot held, and every account ends where one delivery ends."""
    _hang_every_sell(world)
    for name in NAMES:
        await world.enqueue(account_id=name)
    async with world.running(started_at=1.0) as first_life:
        await _until_orders(world, 2)
        first_life.cancel()
        await asyncio.wait({first_life})
    world.brokerage.scripts.take_behaviour("AAA", Side.SELL)

    async with world.running(started_at=2.0):
        for _ in NAMES:
            await world.next_record(K.COMPLETED)

    for name in NAMES:
        ledger = world.brokerage.ledger(name)
        assert {held.symbol: int(held.quantity) for held in ledger.positions} == {"AAA": 30, "BBB": 74, "CCC": 15}
