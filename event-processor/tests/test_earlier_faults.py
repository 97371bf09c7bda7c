"""Faults of an earlier rebalancer that live in planning, carrying out and the worker; each test fails with its fault.

Numbers up to 9 lost money, 10 to 20 made orders unsafe, 21 and 22 lost events. Those not here live where the brokerage
is spoken to, or in the queue.
"""

import asyncio
import json
from decimal import Decimal

import pytest

from broker_connector_base import AccountRefused, OrderRejected, OrderType, Side, TimeInForce
from broker_connector_base.testing import IgnoreCancellation, LeaveOpen, OrderScript, RejectOrder
from event_processor.errors import AccountMisconfigured
from event_processor.failures import FailureKind, classify
from event_processor.replacement_sets import replacement_set_of
from event_processor.testing.scenario import (
    ACCOUNT,
    CLOSING,
    NEXT_OPENING,
    NOON,
    leave_order_open,
    paper_account,
    scenario,
)
from event_processor.testing.worker_world import WorkerWorld, account_config, answer_with
from event_queue.audit import AuditKind
from event_queue.events import Command
from rebalance_calculator import ReplacementError, ReplacementRule, ReplacementSet, apply_replacements
from service_runtime.accounts import Accounts
from service_runtime.settings import OrdersSettings, TradingMode

BUY, SELL = Side.BUY, Side.SELL
K = AuditKind


async def test_fault_2_more_sold_than_held() -> None:
    """10.6 shares without a target: 10 are sold, not the 11 that leave a short of 0.4."""
    case = scenario(paper_account(0, OLD="10.6"), {"OLD": 100, "A": 100}, {"A": 100})

    await case.carry_out()

    assert case.sent[0] == (SELL, 10, "OLD")
    assert case.shares["OLD"] == Decimal("0.6")


async def test_fault_3_buys_of_full_weights_from_cash() -> None:
    """A is on target and B short by 1000: 20 B are bought, not 6 A and 8 B, and then nothing any more."""
    case = scenario(paper_account(1_000, A=60, B=60), {"A": 100, "B": 50}, {"A": 60, "B": 40})

    await case.carry_out()
    await case.carry_out()

    assert case.sent == [(BUY, 20, "B")]


async def test_fault_4_the_reserve_is_spent_bit_by_bit() -> None:
    """2 % of equity stay in cash however often the account is rebalanced."""
    case = scenario(paper_account(2_000, A=980), {"A": 100}, {"A": 100}, reserve=2)

    for _ in range(10):
        await case.carry_out()

    assert case.sent == []
    assert case.cash == 2_000


async def test_fault_5_a_held_replacement_is_sold_and_bought_again() -> None:
    """What the replaced targets name is kept: no order, run after run."""
    rules = ReplacementSet("ira", (ReplacementRule("UVXY", "VXX", Decimal(1)),))
    case = scenario(paper_account(0, VXX=10, SPY=90), {"VXX": 100, "SPY": 100}, {"UVXY": 10, "SPY": 90})
    case.weights = apply_replacements(case.weights, rules)

    await case.carry_out()

    assert case.sent == []


def test_fault_5_an_unknown_replacement_set_is_ignored() -> None:
    """The restricted symbols would be bought: the account is refused instead."""
    account = account_config(ACCOUNT).model_copy(update={"replacement_set": "ira"})

    with pytest.raises(AccountMisconfigured, match="ira"):
        replacement_set_of(account, {})


def test_fault_5_scaled_weights_exceed_the_account() -> None:
    """70 % times 1.5 does not fit; it is refused, not invested at 105 %."""
    rules = ReplacementSet("ira", (ReplacementRule("UVXY", "VXX", Decimal("1.5")),))
    case = scenario(paper_account(0), {"A": 1}, {"UVXY": 70, "SPY": 30})

    with pytest.raises(ReplacementError):
        apply_replacements(case.weights, rules)


@pytest.mark.parametrize(
    "weights",
    [{"AAA": 0.9, "BBB": 0.9}, {"AAA": "0.3x", "BBB": 1.0}, {"AAA": -0.1, "BBB": 1.1}, {}],
    ids=["sum of 1.8", "not a number", "negative", "empty"],
)
async def test_fault_6_weights_that_were_only_warned_about(world: WorkerWorld, weights: dict[str, float | str]) -> None:
    """Nothing is placed and nothing cancelled; an empty list is no wish to sell everything."""
    leave_order_open(world.brokerage, "CCC", owner="1")
    world.answer = answer_with(weights)
    await world.enqueue()

    async with world.running():
        failed = json.loads((await world.next_record(K.REQUEUED)).details_json)

    assert failed["result"]["failure_kind"] == "rejected"
    assert len(world.brokerage.orders) == 1
    assert world.brokerage.journal.subjects("cancel_order") == ()


async def test_fault_6_weights_of_one_symbol_are_not_merged(world: WorkerWorld) -> None:
    """30 % and 20 % of AAA are 50 %."""
    world.answer = answer_with({"AAA": 0.3, "aaa ": 0.2, "BBB": 0.5})
    await world.enqueue(Command.PRINT_REBALANCE)

    async with world.running():
        result = json.loads((await world.next_record(K.COMPLETED)).details_json)["result"]

    assert {item["symbol"]: item["target_percent"] for item in result["drift"]} == {"AAA": 50, "BBB": 50}


async def test_fault_12_orders_live_on_after_their_deadline() -> None:
    """Both unfilled sells are cancelled and confirmed at the deadline, and each is in the records."""
    case = scenario(paper_account(0, A=10, B=10, C=10), {"A": 1, "B": 1, "C": 1, "D": 1}, {"D": 100})
    for symbol in ("A", "B"):
        case.brokerage.scripts.add(OrderScript(LeaveOpen(), symbol, SELL))

    run = await case.carry_out()

    assert case.open_orders == 0
    assert {result.request.symbol for result in case.recorder.results} >= {"A", "B", "C"}
    assert [order.trade.symbol for order in run.incomplete] == ["A", "B"]


async def test_fault_12_a_retry_doubles_orders_that_are_alive() -> None:
    """The attempt after an unconfirmed cancellation clears the table first: 10 shares are sold once."""
    case = scenario(paper_account(0, A=10), {"A": 10, "D": 1}, {"D": 100})
    case.brokerage.scripts.add(OrderScript(IgnoreCancellation(), "A", SELL))
    with pytest.raises(Exception, match="not confirmed"):
        await case.deliver()
    with pytest.raises(Exception, match="not confirmed"):
        await case.deliver()
    case.placed[0].behaviour = None

    await case.carry_out()

    assert case.shares == {"D": 100}
    assert sum(fill.quantity for fill in case.brokerage.fills if fill.side is SELL) == 10


@pytest.mark.parametrize("time_in_force", [TimeInForce.DAY, TimeInForce.GOOD_TILL_CANCELLED])
@pytest.mark.parametrize("order_type", [OrderType.MARKET, OrderType.LIMIT])
async def test_fault_13_type_and_time_in_force_ignored(order_type: OrderType, time_in_force: TimeInForce) -> None:
    """Every order says what the settings say, and never that a market order may fill outside regular hours."""
    case = scenario(paper_account(10_000, OLD=10), {"OLD": 100, "A": 100}, {"A": 100})
    case.orders = OrdersSettings.model_validate(
        {"type": order_type.value, "time_in_force": time_in_force.value, "limit_buffer_percent": 1}
    )

    await case.carry_out()

    sent = [order.request for order in case.placed]
    assert [(each.order_type, each.time_in_force) for each in sent] == [(order_type, time_in_force)] * 2
    is_limit = order_type is OrderType.LIMIT
    assert [each.limit_price for each in sent] == ([Decimal(99), Decimal(101)] if is_limit else [None, None])
    assert not any(each.outside_regular_hours for each in sent)


@pytest.mark.parametrize("words", ["timed out", "connection reset, exchange is closed, try again", "order rejected"])
def test_fault_15_failures_are_told_apart_by_their_text(words: str) -> None:
    """A rejection is one whatever it says; so is a refused account."""
    assert classify(OrderRejected(words)) is FailureKind.REJECTED
    assert classify(AccountRefused(words)) is FailureKind.REJECTED
    assert classify(RuntimeError(words)) is FailureKind.UNEXPECTED


async def test_fault_15_rejected_orders_are_sent_again_every_minute(world: WorkerWorld) -> None:
    """The pause after a rejection is the long one."""
    world.brokerage.scripts.add(OrderScript(RejectOrder("201: timed out, try again"), "AAA"))
    event = await world.enqueue()

    async with world.running():
        record = await world.next_record(K.REQUEUED)
        living = await world.living(event)

    assert living.due_at is not None
    assert (living.due_at - record.recorded_at).total_seconds() == pytest.approx(900, abs=1)


async def test_fault_17_a_stop_cuts_a_trade_in_half(world: WorkerWorld) -> None:
    """Stopped between sells and buys the worker confirms the sell's end, and the next start buys."""
    world.brokerage.scripts.add(OrderScript(LeaveOpen(), "AAA", SELL))
    world.processing = world.processing.model_copy(update={"shutdown_grace_seconds": 5})
    await world.enqueue()
    async with world.running() as worker:
        await world.brokerage.changes.wait_until(lambda: len(world.brokerage.orders) == 2, timeout_seconds=5)
        world.stop.set()
        for order in world.brokerage.orders:
            order.behaviour = None
        world.brokerage.match_orders()
        await asyncio.wait({worker})
    sides_before = {order.request.side for order in world.brokerage.orders}
    async with world.running(started_at=2.0):
        await world.next_record(K.COMPLETED)

    assert sides_before == {SELL}
    assert world.brokerage.ledger(ACCOUNT).cash == 1_100


@pytest.mark.parametrize("command", [Command.REBALANCE, Command.CANCEL_ORDERS, Command.PRINT_EQUITY])
async def test_fault_18_some_entrances_skip_the_paper_and_live_guard(world: WorkerWorld, command: Command) -> None:
    """The worker itself refuses, whoever queued the event and whatever it asks: DU1 is not touched in live mode."""
    world.trading_mode = TradingMode.LIVE
    await world.enqueue(command)

    async with world.running():
        failed = json.loads((await world.next_record(K.REQUEUED)).details_json)

    assert "DU1 is a paper account but TRADING_MODE is live" in failed["error"]
    assert world.brokerage.orders == ()


async def test_fault_18_an_account_that_the_login_does_not_manage(world: WorkerWorld) -> None:
    """It is asked about before every command."""
    accounts = {ACCOUNT: account_config(ACCOUNT), "DU7": account_config("DU7")}
    world.accounts = Accounts(accounts)
    await world.enqueue(account_id="DU7")

    async with world.running():
        failed = json.loads((await world.next_record(K.REQUEUED)).details_json)

    assert "DU7 is not managed by the gateway's login" in failed["error"]


async def test_fault_20_the_preview_is_another_plan(world: WorkerWorld) -> None:
    """Hours, cash and replacements count in a preview too: its orders are those of the live run."""
    await world.enqueue(Command.PRINT_REBALANCE)
    await world.enqueue(Command.REBALANCE)

    async with world.running():
        shown, done = [
            json.loads((await world.next_record(K.COMPLETED)).details_json)["result"]["orders"] for _ in range(2)
        ]

    legs = [[(order["action"], order["quantity"], order["symbol"]) for order in orders] for orders in (shown, done)]
    assert legs[0] == legs[1]


async def test_fault_21_the_payload_is_lost_on_the_way_round(world: WorkerWorld) -> None:
    """Failed, delayed and claimed again, the event still carries what its sender said."""
    world.brokerage.scripts.add(OrderScript(RejectOrder("201: no"), "AAA"))
    world.processing = world.processing.model_copy(update={"pause_rejected_seconds": 0.01})
    event = await world.enqueue()

    async with world.running():
        await world.next_record(K.REQUEUED)
        done = json.loads((await world.next_record(K.COMPLETED)).event_json)

    assert done["data"] == {"note": [1, "a"]}
    assert (done["event_id"], done["times_queued"]) == (str(event.event_id), 2)


async def test_fault_22_a_delayed_event_is_told_as_a_success(world: WorkerWorld) -> None:
    """It is delayed until a moment that is named; nobody hears of a completion."""
    world.clock.advance((CLOSING - NOON).total_seconds())
    event = await world.enqueue()

    async with world.running():
        record = await world.next_record(K.DELAYED, K.COMPLETED)
        living = await world.living(event)

    assert record.kind is K.DELAYED
    assert living.due_at == NEXT_OPENING
    assert NEXT_OPENING.strftime("%Y-%m-%dT%H:%M:%SZ") in json.loads(record.details_json)["reason"]
    assert living.event == event
