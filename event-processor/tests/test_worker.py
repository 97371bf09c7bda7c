"""The worker from queue to brokerage and back."""

import json
from decimal import Decimal

from broker_connector_base.testing import OrderScript, RejectOrder
from event_processor.testing.scenario import ACCOUNT
from event_processor.testing.worker_world import WorkerWorld, answer_with
from event_queue.audit import AuditKind
from event_queue.events import Command

K = AuditKind


async def test_an_event_is_carried_out_and_audited(world: WorkerWorld) -> None:
    """Intent before result before the end, and the result says what was done."""
    await world.enqueue()

    async with world.running():
        record = await world.next_record(K.COMPLETED)

    result = json.loads(record.details_json)["result"]
    assert (result["status"], result["execution_mode"], result["account_id"]) == ("success", "live", ACCOUNT)
    assert [(order["action"], order["quantity"], order["symbol"]) for order in result["orders"]] == [
        ("SELL", 406, "AAA"),
        ("SELL", 15, "BBB"),
        ("BUY", 316, "CCC"),
    ]
    assert world.brokerage.ledger(ACCOUNT).cash == 1_100
    assert sorted(await world.all_kinds()) == sorted(
        [K.QUEUED, K.CLAIMED, *3 * [K.ORDER_INTENT, K.FILL, K.ORDER_RESULT], K.COMPLETED]
    )


async def test_each_intent_stands_before_its_order(world: WorkerWorld) -> None:
    """The audit names orderRef, side and quantity of an order before anything is known of its fate."""
    event = await world.enqueue()

    async with world.running():
        intent = await world.next_record(K.ORDER_INTENT)
        await world.next_record(K.COMPLETED)

    details = json.loads(intent.details_json)
    assert details["order_ref"] == f"{event.event_id}:1:{details['side']}:{details['symbol']}"
    assert details["side"] == "SELL"


async def test_the_next_event_follows_at_once(world: WorkerWorld) -> None:
    """One worker works through the line in order."""
    first = await world.enqueue(Command.PRINT_POSITIONS)
    second = await world.enqueue(Command.PRINT_EQUITY)

    async with world.running():
        ended = [await world.next_record(K.COMPLETED), await world.next_record(K.COMPLETED)]

    assert [record.event_id for record in ended] == [first.event_id, second.event_id]


async def test_an_event_that_arrives_later_wakes_the_worker(world: WorkerWorld) -> None:
    """Waiting for work ends with the work."""
    async with world.running():
        await world.enqueue(Command.PRINT_EQUITY)
        record = await world.next_record(K.COMPLETED)

    assert json.loads(record.details_json)["result"]["cash"] == 20_000


async def test_case_24_a_preview_touches_nothing(world: WorkerWorld) -> None:
    """print-rebalance shows the same trades and the prices' source and age; no order is placed or cancelled."""
    await world.enqueue(Command.PRINT_REBALANCE)

    async with world.running():
        record = await world.next_record(K.COMPLETED)

    result = json.loads(record.details_json)["result"]
    assert result["message"] == "Dry run rebalancing completed successfully"
    assert [order["quantity"] for order in result["orders"]] == [406, 15, 316]
    assert result["prices"]["CCC"] == {"price": 125.0, "source": "live_mid", "age_seconds": 0.0}
    assert not {call.name for call in world.brokerage.journal} & {"place_order", "cancel_order"}


async def test_case_17_a_rejected_sell_waits_its_pause(world: WorkerWorld) -> None:
    """The reason is in the audit, nothing was bought, and there is no tight loop."""
    world.brokerage.scripts.add(OrderScript(RejectOrder("201: no permission"), "AAA"))
    event = await world.enqueue()

    async with world.running():
        record = await world.next_record(K.REQUEUED)
        living = await world.living(event)

    details = json.loads(record.details_json)
    assert "201: no permission" in details["error"]
    assert details["result"]["failure_kind"] == "rejected"
    assert living.event.times_queued == 2
    assert living.due_at is not None
    assert len(world.brokerage.orders) == 2


async def test_case_16_a_partial_run_completes_and_says_so(world: WorkerWorld) -> None:
    """What could not be bought is named; the event does not come back by itself."""
    world.brokerage.scripts.add(OrderScript(RejectOrder("460: no trading permission"), "DDD"))
    world.answer = answer_with({"AAA": 0.3, "BBB": 0.3, "CCC": 0.2, "DDD": 0.2})
    world.brokerage.set_quote(world.brokerage.quote("CCC").model_copy(update={"symbol": "DDD", "price": Decimal(10)}))
    await world.enqueue()

    async with world.running():
        record = await world.next_record(K.COMPLETED)

    result = json.loads(record.details_json)["result"]
    assert result["status"] == "partial"
    assert "460: no trading permission" in result["message"]
    assert world.brokerage.ledger(ACCOUNT).shares("CCC") > 0


async def test_when_every_buy_is_rejected_the_event_fails(world: WorkerWorld) -> None:
    """Nothing was achieved, so it is tried again after the long pause; then only the buy is left to do."""
    world.brokerage.scripts.add(OrderScript(RejectOrder("460: no trading permission"), "CCC"))
    event = await world.enqueue()

    async with world.running():
        record = await world.next_record(K.REQUEUED)
        living = await world.living(event)

    assert "every buy was rejected" in json.loads(record.details_json)["error"]
    assert living.event.times_queued == 2
