"""What keeps a live event from trading now: an operator's pause, its age, the day's trades."""

import json
from datetime import timedelta
from typing import Any

import pytest
import structlog

from broker_connector_base import Side
from broker_connector_base.testing import LeaveOpen, OrderScript, RejectOrder
from event_processor.testing.scenario import ACCOUNT, NEXT_OPENING, leave_order_open
from event_processor.testing.worker_world import WorkerWorld
from event_queue.audit import AuditKind, AuditRecord
from event_queue.events import Command
from service_runtime.accounts import Accounts, PdtMode

K = AuditKind


def _details(record: AuditRecord) -> Any:
    return json.loads(record.details_json)


def _calls(world: WorkerWorld) -> set[str]:
    return {call.name for call in world.brokerage.journal}


def _set_account(world: WorkerWorld, **settings: Any) -> None:
    account = world.accounts.by_id[ACCOUNT].model_copy(update=settings)
    world.accounts = Accounts({ACCOUNT: account})


async def test_a_paused_account_is_left_alone_and_its_event_waits(world: WorkerWorld) -> None:
    """Not even open orders are cancelled; the event is parked unchanged and runs after the pause."""
    leave_order_open(world.brokerage, "CCC", owner="1")
    event = await world.enqueue()
    await world.queue.trading.pause(ACCOUNT, actor="operator", reason="look first")
    async with world.running():
        parked = await world.next_record(K.PARKED)
        calls, living = _calls(world), await world.living(event)
        await world.queue.trading.resume(ACCOUNT, actor="operator")
        done = await world.next_record(K.COMPLETED)

    assert "look first" in _details(parked)["reason"]
    assert not calls & {"place_order", "cancel_order"}
    assert living.is_parked
    assert living.event == event
    assert done.event_id == event.event_id


async def test_a_pause_of_all_trading_covers_each_account_but_no_preview(world: WorkerWorld) -> None:
    """Looking goes on, and so does cancelling."""
    leave_order_open(world.brokerage, "CCC", owner="1")
    await world.queue.trading.pause("*", actor="operator", reason="stop")
    await world.enqueue(Command.REBALANCE)
    await world.enqueue(Command.PRINT_REBALANCE)
    await world.enqueue(Command.CANCEL_ORDERS)

    async with world.running():
        await world.next_record(K.PARKED)
        previews = _details(await world.next_record(K.COMPLETED))
        cancelled = _details(await world.next_record(K.COMPLETED))

    assert previews["result"]["execution_mode"] == "dry_run"
    assert len(cancelled["result"]["orders"]) == 1


@pytest.mark.parametrize("command", Command)
async def test_nothing_is_done_for_an_event_of_a_redis_that_nobody_compared(
    world: WorkerWorld, command: Command
) -> None:
    """One from an older file may have ended days ago: it would end again, and cancel orders of today."""
    leave_order_open(world.brokerage, "CCC", owner="1")
    await world.queue.client.set(world.queue.keys.checked, "the run before")
    await world.enqueue(command)

    async with world.running():
        ended = await world.next_record(K.REQUEUED, K.COMPLETED)

    assert ended.kind is K.REQUEUED
    assert "compared" in _details(ended)["error"]
    assert not _calls(world) & {"place_order", "cancel_order"}


async def test_a_pause_between_sells_and_buys_stops_the_buys(world: WorkerWorld) -> None:
    """Sells in flight are followed to their ends and recorded; the event counts on, waits, and later only buys."""
    world.brokerage.scripts.add(OrderScript(LeaveOpen(), "AAA", Side.SELL))
    event = await world.enqueue()
    async with world.running():
        await world.brokerage.changes.wait_until(lambda: len(world.brokerage.orders) == 2, timeout_seconds=5)
        await world.queue.trading.pause(ACCOUNT, actor="operator", reason="stop now")
        for order in world.brokerage.orders:
            order.behaviour = None
        world.brokerage.match_orders()
        await world.next_record(K.PARKED)
        sent_while_paused = [order.request.side for order in world.brokerage.orders]
        kinds, living = await world.all_kinds(), await world.living(event)
        await world.queue.trading.resume(ACCOUNT, actor="operator")
        await world.next_record(K.COMPLETED)

    assert sent_while_paused == [Side.SELL, Side.SELL]
    assert kinds.count(K.ORDER_RESULT) == 2
    assert living.event.times_queued == 2
    assert [order.request.side for order in world.brokerage.orders] == [Side.SELL, Side.SELL, Side.BUY]
    assert world.brokerage.ledger(ACCOUNT).cash == 1_100
    refs = [order.request.order_ref for order in world.brokerage.orders]
    assert len(set(refs)) == len(refs)


async def test_an_old_event_is_only_shown(world: WorkerWorld) -> None:
    """Its result is a preview that says why, in the message and as a warning."""
    world.processing = world.processing.model_copy(update={"max_event_age_seconds": 3600})
    await world.make_older(await world.enqueue(), 7201)

    async with world.running():
        result = _details(await world.next_record(K.COMPLETED))["result"]

    assert result["execution_mode"] == "dry_run"
    assert "s ago and processing.max_event_age_seconds is 3600" in result["message"]
    assert "the event was last asked for 72" in result["warnings"][0]
    assert len(result["orders"]) == 3
    assert "place_order" not in _calls(world)


async def test_an_old_event_that_was_asked_for_again_is_traded_on(world: WorkerWorld) -> None:
    """A signal that is refused because an older one still waits for it is not lost: the older one speaks for it."""
    world.processing = world.processing.model_copy(update={"max_event_age_seconds": 3600})
    await world.make_older(await world.enqueue(), 7201)
    await world.enqueue()

    async with world.running():
        result = _details(await world.next_record(K.COMPLETED))["result"]

    assert result["execution_mode"] == "live"


async def test_an_event_that_is_young_enough_is_carried_out(world: WorkerWorld) -> None:
    """Older is what is too old."""
    world.processing = world.processing.model_copy(update={"max_event_age_seconds": 7200})
    await world.make_older(await world.enqueue(), 3600)

    async with world.running():
        result = _details(await world.next_record(K.COMPLETED))["result"]

    assert result["execution_mode"] == "live"


async def test_a_second_rebalance_of_the_day_is_skipped(world: WorkerWorld) -> None:
    """With words and the moment from which it is allowed; nothing of the account is touched."""
    _set_account(world, pdt_protection_enabled=True)
    await world.enqueue()
    async with world.running():
        await world.next_record(K.COMPLETED)
        orders = len(world.brokerage.orders)
        leave_order_open(world.brokerage, "CCC", owner="1")
        await world.enqueue()
        result = _details(await world.next_record(K.SKIPPED))["result"]

    assert result["status"] == "skipped"
    assert result["next_allowed_time"] == NEXT_OPENING.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "was rebalanced on 2099-03-02 already" in result["message"]
    assert len(world.brokerage.orders) == orders + 1
    assert world.brokerage.journal.subjects("cancel_order") == ()


async def test_the_next_day_is_free_again(world: WorkerWorld) -> None:
    """One rebalance a trading day."""
    _set_account(world, pdt_protection_enabled=True)
    await world.enqueue()
    async with world.running():
        await world.next_record(K.COMPLETED)
        world.clock.advance(timedelta(days=1).total_seconds())
        await world.enqueue()
        result = _details(await world.next_record(K.COMPLETED))["result"]

    assert result["execution_mode"] == "live"


async def test_a_run_that_traded_nothing_leaves_the_day_to_the_next(world: WorkerWorld) -> None:
    """A rejected sell is no trade, so a new event may still rebalance."""
    _set_account(world, pdt_protection_enabled=True)
    for symbol in ("AAA", "BBB"):
        world.brokerage.scripts.add(OrderScript(RejectOrder("201: no"), symbol))
    event = await world.enqueue()
    async with world.running():
        await world.next_record(K.REQUEUED)
        await world.queue.admin.delete(event.event_id, actor="operator")
        await world.enqueue()
        result = _details(await world.next_record(K.COMPLETED))["result"]

    assert result["status"] == "success"


async def test_the_same_events_retry_may_finish_what_it_began(world: WorkerWorld) -> None:
    """Its sells used the day up; its buys are still its own."""
    _set_account(world, pdt_protection_enabled=True)
    world.brokerage.scripts.add(OrderScript(LeaveOpen(), "CCC", Side.BUY))
    await world.enqueue()
    async with world.running(started_at=1.0) as first_life:
        await world.brokerage.changes.wait_until(lambda: len(world.brokerage.orders) == 3, timeout_seconds=5)
        first_life.cancel()

    async with world.running(started_at=2.0):
        result = _details(await world.next_record(K.COMPLETED))["result"]

    assert result["status"] == "success"
    assert world.brokerage.ledger(ACCOUNT).shares("CCC") == 316


async def test_without_day_trades_left_the_broker_decides(world: WorkerWorld) -> None:
    """The mode that counts on the broker's own figure; an unlimited account (-1) may trade."""
    _set_account(world, pdt_protection_enabled=True, pdt_mode=PdtMode.DAY_TRADES_REMAINING)
    ledger = world.brokerage.ledger(ACCOUNT)
    ledger.day_trades_remaining = 0
    await world.enqueue()
    async with world.running():
        skipped = _details(await world.next_record(K.SKIPPED))["result"]
        ledger.day_trades_remaining = -1
        await world.enqueue()
        done = _details(await world.next_record(K.COMPLETED))["result"]

    assert "no day trade left" in skipped["message"]
    assert done["status"] == "success"


async def test_operators_are_called_once_for_a_rejection(world: WorkerWorld) -> None:
    """Not at every attempt that fails in the same words."""
    world.brokerage.scripts.add(OrderScript(RejectOrder("201: no permission"), "AAA"))
    world.brokerage.scripts.add(OrderScript(RejectOrder("201: no permission"), "AAA"))
    world.brokerage.scripts.add(OrderScript(RejectOrder("201: no"), "BBB"))
    world.processing = world.processing.model_copy(update={"pause_rejected_seconds": 0.01})
    await world.enqueue()

    with structlog.testing.capture_logs() as lines:
        async with world.running():
            for _ in range(2):
                await world.next_record(K.REQUEUED)
            await world.next_record(K.COMPLETED)

    calls = [line["error"] for line in lines if line["event"] == "operator_attention"]
    assert len(calls) == len(set(calls)) >= 1
