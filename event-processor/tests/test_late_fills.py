"""Executions that come after their event has ended: written down once, whatever dies meanwhile."""

import json
from decimal import Decimal
from typing import Any

import pytest

from broker_connector_base import OrderRequest, OrderType, Side, TimeInForce
from broker_connector_base.testing import PaperOrder
from event_processor.fill_recorder import event_of
from event_processor.testing.scenario import ACCOUNT, EVENT_ID
from event_processor.testing.worker_world import WorkerWorld
from event_queue.audit import AuditKind, AuditRecord
from event_queue.events import RebalanceEvent
from service_runtime.accounts import Accounts

K = AuditKind


def _details(record: AuditRecord) -> Any:
    return json.loads(record.details_json)


async def _completed(world: WorkerWorld) -> RebalanceEvent:
    """An event that has ended, with three orders filled."""
    event = await world.enqueue()
    await world.next_record(K.COMPLETED)
    return event


def _at_the_close(world: WorkerWorld, event: RebalanceEvent, *, symbol: str = "CCC") -> PaperOrder:
    """An order of the event that the closing auction will fill."""
    request = OrderRequest(
        account_id=ACCOUNT,
        symbol=symbol,
        side=Side.BUY,
        quantity=2,
        order_type=OrderType.MARKET_ON_CLOSE,
        time_in_force=TimeInForce.DAY,
        order_ref=f"{event.event_id}:1:BUY:{symbol}X",
    )
    return world.brokerage.place(request, owner="1")


async def _fills(world: WorkerWorld) -> list[str]:
    """Ids of all executions written down, in order."""
    records = await world.records()
    return [_details(record)["exec_id"] for record in records if record.kind is K.FILL]


async def test_a_fill_of_the_closing_auction_is_written_under_its_event(world: WorkerWorld) -> None:
    """With its commission, once, although the event has long ended."""
    async with world.running():
        event = await _completed(world)
        order = _at_the_close(world, event)
        world.brokerage.close_market()
        record = await world.next_record(K.FILL)

    details = _details(record)
    assert record.event_id == event.event_id
    assert (details["order_ref"], details["quantity"], details["price"]) == (order.request.order_ref, "2", "125")
    assert details["commission"] == "0"
    assert len(await _fills(world)) == 4


async def test_a_fill_while_no_worker_ran_is_written_by_the_next(world: WorkerWorld) -> None:
    """It reads the day's executions when it connects, and writes the others no second time."""
    async with world.running(started_at=1.0) as first_life:
        event = await _completed(world)
        first_life.cancel()
    _at_the_close(world, event)
    world.brokerage.close_market()

    async with world.running(started_at=2.0):
        record = await world.next_record(K.FILL)

    assert record.event_id == event.event_id
    assert len(await _fills(world)) == len(set(await _fills(world))) == 4


async def test_a_fill_while_the_brokerage_was_away_is_written_after_the_reconnection(world: WorkerWorld) -> None:
    """The same worker listens to the next connection."""
    async with world.running():
        event = await _completed(world)
        world.drop_connection()
        _at_the_close(world, event)
        world.brokerage.close_market()
        record = await world.next_record(K.FILL)

    assert record.event_id == event.event_id


async def test_a_correction_after_the_end_names_what_it_replaces(world: WorkerWorld) -> None:
    """The audit then counts the execution as it was corrected."""
    async with world.running():
        event = await _completed(world)
        first = world.brokerage.fills[0]
        world.brokerage.correct_fill(first, quantity=first.quantity, price=Decimal(49))
        record = await world.next_record(K.FILL)

    assert record.event_id == event.event_id
    assert (_details(record)["price"], _details(record)["replaces"]) == ("49", [first.exec_id])


async def test_a_bust_after_the_end_takes_back_what_was_written(world: WorkerWorld) -> None:
    """Told once, and by a next worker not again."""
    async with world.running(started_at=1.0) as first_life:
        event = await _completed(world)
        first = world.brokerage.fills[0]
        world.brokerage.correct_fill(first, quantity=Decimal(0), price=first.price)
        record = await world.next_record(K.FILL)
        first_life.cancel()
    written = await _fills(world)
    async with world.running(started_at=2.0):
        await _completed(world)

    assert record.event_id == event.event_id
    assert (_details(record)["quantity"], _details(record)["replaces"]) == ("0", [first.exec_id])
    assert (await _fills(world))[: len(written)] == written
    assert (await _fills(world)).count(_details(record)["exec_id"]) == 1


async def test_executions_of_others_are_not_ours_to_write(world: WorkerWorld) -> None:
    """By hand, of another program, or with a reference that only looks like one of ours."""
    async with world.running():
        event = await _completed(world)
        for ref in ("by hand", f"{EVENT_ID}:1:BUY:CCC", f"{event.event_id}"):
            order = _at_the_close(world, event).request.model_copy(update={"order_ref": ref})
            world.brokerage.place(order, owner="77")
        world.brokerage.close_market()
        for _ in range(3):
            await world.next_record(K.FILL)

    refs = {_details(record)["order_ref"] for record in await world.records() if record.kind is K.FILL}
    assert f"{event.event_id}:1:BUY:CCCX" in refs
    assert not refs & {"by hand", f"{EVENT_ID}:1:BUY:CCC", f"{event.event_id}"}


async def test_orders_taken_for_the_close_keep_others_from_trading_today(world: WorkerWorld) -> None:
    """A protected account trades once a day, and those orders will; once they are cancelled the day is free."""
    account = world.accounts.by_id[ACCOUNT].model_copy(update={"pdt_protection_enabled": True})
    world.accounts = Accounts({ACCOUNT: account})
    event = await world.enqueue()
    order = _at_the_close(world, event)
    await world.queue.admin.delete(event.event_id, actor="operator")
    keys, expected = world.queue.keys, f"2099-03-02 {event.event_id} expected"
    await world.queue.client.execute_command("HSET", keys.last_traded, ACCOUNT, expected)

    async with world.running():
        await world.enqueue()
        skipped = _details(await world.next_record(K.SKIPPED))["result"]
        world.brokerage.cancel(order)
        await world.enqueue()
        done = _details(await world.next_record(K.COMPLETED))["result"]

    assert "was rebalanced on 2099-03-02 already" in skipped["message"]
    assert done["status"] == "success"


@pytest.mark.parametrize(
    "order_ref", ["", "by hand", "1:1:BUY:AAA", f"{EVENT_ID}", f"{EVENT_ID}:1:HOLD:AAA", f"x{EVENT_ID}:1:BUY:AAA"]
)
def test_only_our_own_references_name_an_event(order_ref: str) -> None:
    """Anything else belongs to somebody else."""
    assert event_of(order_ref) is None
    assert event_of(f"{EVENT_ID}:12:SELL:BRK B") == EVENT_ID
