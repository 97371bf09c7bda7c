"""Carrying out under special circumstances: cash that lags, hours that are extended, a guard that says stop."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from broker_connector_base import CancellationUnconfirmed, OrderRejected, OrderType, Side
from broker_connector_base.testing import IgnoreCancellation, LeaveOpen, OrderScript, RejectOrder
from broker_connector_base.testing.paper_scripts import ConnectionScript
from event_processor.errors import Stopping
from event_processor.market_hours import ClosedUntil
from event_processor.rebalancer import LiveRun
from event_processor.result import live_result
from event_processor.testing.scenario import (
    ACCOUNT,
    CLOSING,
    NEXT_OPENING,
    NOON,
    Scenario,
    leave_order_open,
    paper_account,
    scenario,
)
from event_queue.errors import LeaseLost
from service_runtime.settings import OrdersSettings


@pytest.fixture
def switch() -> Scenario:
    """Everything is sold to buy something else."""
    return scenario(paper_account(0, OLD=100), {"OLD": 100, "NEW": 10}, {"NEW": 100})


async def test_cash_that_the_broker_does_not_report_is_not_spent(switch: Scenario) -> None:
    """The lower of the two figures counts, so buys wait for the next run."""
    switch.brokerage.ledger(ACCOUNT).hold_back_cash()

    run = await switch.deliver()

    assert isinstance(run, LiveRun)
    assert switch.sent == [(Side.SELL, 100, "OLD")]


async def test_buys_wait_for_the_proceeds_to_be_reported(switch: Scenario) -> None:
    """Account figures lag fills; as soon as they have caught up, the buys go out."""
    switch.brokerage.ledger(ACCOUNT).hold_back_cash()
    switch.cash_wait_seconds = 5
    running = asyncio.create_task(switch.deliver())
    while not switch.brokerage.journal.subjects("await_cash"):
        await asyncio.wait({asyncio.ensure_future(switch.brokerage.changes.wait_until(lambda: True))})

    switch.brokerage.release_cash(ACCOUNT)
    await running

    assert switch.sent[-1] == (Side.BUY, 1000, "NEW")


async def test_commissions_come_out_of_the_cash(switch: Scenario) -> None:
    """Buys are sized on what the sells brought after costs."""
    switch.brokerage.spec = switch.brokerage.spec.model_copy(update={"commission": Decimal(7)})

    await switch.deliver()

    assert switch.sent[-1] == (Side.BUY, 999, "NEW")


async def test_a_cash_account_may_spend_the_proceeds_of_these_sells_only() -> None:
    """Unsettled cash of earlier sells stays untouched."""
    account = paper_account(1_000, OLD=100).model_copy(update={"is_cash_account": True, "settled_cash": Decimal(0)})
    case = scenario(account, {"OLD": 100, "NEW": 10}, {"NEW": 100})

    await case.deliver()

    assert case.sent[-1] == (Side.BUY, 1000, "NEW")


async def test_what_is_excluded_is_neither_sold_nor_bought() -> None:
    """Its value is not investable either."""
    case = scenario(paper_account(1_000, MINE=10), {"A": 100, "MINE": 100}, {"A": 100})
    case.exclude = frozenset({"MINE"})

    await case.deliver()

    assert case.sent == [(Side.BUY, 10, "A")]


async def test_a_closed_market_touches_nothing(switch: Scenario) -> None:
    """Not even the orders that are open: out of hours their cancellation could not be confirmed."""
    leave_order_open(switch.brokerage, "NEW", owner="1")
    switch.clock.advance((CLOSING - NOON).total_seconds())

    state = await switch.deliver()

    assert state == ClosedUntil(NEXT_OPENING)
    assert switch.sent == []
    assert switch.open_orders == 1


async def test_extended_hours_trade_by_limit_orders_only(switch: Scenario) -> None:
    """An hour after the close both orders say so, and are marketable."""
    switch.orders = OrdersSettings(extended_hours_enabled=True, fill_timeout_seconds=0.02, cancel_timeout_seconds=0.02)
    switch.clock.advance((CLOSING + timedelta(hours=1) - NOON).total_seconds())

    await switch.deliver()

    requests = [order.request for order in switch.placed]
    assert [(request.order_type, request.limit_price) for request in requests] == [
        (OrderType.LIMIT, Decimal("99.50")),
        (OrderType.LIMIT, Decimal("10.05")),
    ]
    assert all(request.outside_regular_hours for request in requests)
    assert switch.shares == {"NEW": 995}  # 10 000 USD at the limit of 10.05


async def test_an_unfilled_buy_is_cancelled_and_the_run_is_partial(switch: Scenario) -> None:
    """Nothing is left working that nobody watches."""
    switch.brokerage.scripts.add(OrderScript(LeaveOpen(), "NEW", Side.BUY))

    run = await switch.deliver()

    assert isinstance(run, LiveRun)
    assert live_result(run, NOON)["status"] == "partial"
    assert switch.open_orders == 0


async def test_a_buy_of_unknown_fate_fails_the_event(switch: Scenario) -> None:
    """It may still fill, so nobody may call the run complete."""
    switch.brokerage.scripts.add(OrderScript(IgnoreCancellation(), "NEW", Side.BUY))

    with pytest.raises(CancellationUnconfirmed):
        await switch.deliver()

    assert len(switch.recorder.results) == 2


@pytest.mark.parametrize("refusal", [LeaseLost("lost"), Stopping("stopping")])
async def test_after_a_refusal_no_order_goes_out(switch: Scenario, refusal: Exception) -> None:
    """The guard is asked before each order, also between sells and buys."""
    switch.brokerage.scripts.add(OrderScript(LeaveOpen(), "OLD", Side.SELL))
    switch.orders = OrdersSettings(fill_timeout_seconds=5, cancel_timeout_seconds=5)
    running = asyncio.create_task(switch.deliver())
    await switch.brokerage.changes.wait_until(lambda: bool(switch.placed), timeout_seconds=5)

    switch.guard.refusal = refusal
    switch.placed[0].behaviour = None
    switch.brokerage.match_orders()

    with pytest.raises(type(refusal)):
        await running
    assert switch.sent == [(Side.SELL, 100, "OLD")]


async def test_after_the_lease_not_even_the_rest_of_an_order_is_cancelled(switch: Scenario) -> None:
    """The order belongs to the next holder then."""
    switch.brokerage.scripts.add(OrderScript(LeaveOpen(), "OLD", Side.SELL))
    switch.orders = OrdersSettings(fill_timeout_seconds=0.2, cancel_timeout_seconds=5)
    running = asyncio.create_task(switch.deliver())
    await switch.brokerage.changes.wait_until(lambda: bool(switch.placed), timeout_seconds=5)

    switch.guard.refusal = LeaseLost("lost")

    with pytest.raises(LeaseLost):
        await running
    assert switch.brokerage.journal.subjects("cancel_order") == ()


async def test_one_sells_rejection_does_not_abandon_the_other() -> None:
    """Each order is followed to its end and recorded, whatever became of its sibling."""
    case = scenario(paper_account(0, A=100, B=100), {"A": 10, "B": 10, "C": 10}, {"C": 100})
    case.brokerage.scripts.add(OrderScript(RejectOrder("201: halted"), "A", Side.SELL))

    with pytest.raises(OrderRejected, match="SELL 100 A: filled 0, REJECTED: 201: halted"):
        await case.deliver()

    assert {result.request.symbol for result in case.recorder.results} == {"A", "B"}


async def test_an_account_that_cannot_be_read_afterwards_undoes_nothing() -> None:
    """The run is reported without its equity after."""
    case = scenario(paper_account(1_000), {"A": 10}, {"A": 100})
    case.orders = OrdersSettings(fill_timeout_seconds=5, cancel_timeout_seconds=5)
    case.brokerage.scripts.add(OrderScript(LeaveOpen(), "A", Side.BUY))
    running = asyncio.create_task(case.deliver())
    await case.brokerage.changes.wait_until(lambda: bool(case.placed), timeout_seconds=5)
    case.brokerage.scripts.add(ConnectionScript("get_account_snapshot", "before"))
    case.placed[0].behaviour = None
    case.brokerage.match_orders()

    run = await running

    assert isinstance(run, LiveRun)
    result = live_result(run, NOON)
    assert (result["status"], result.get("equity_before"), result.get("equity_after")) == ("success", 1_000, None)


async def test_records_name_intent_and_outcome_of_every_order(switch: Scenario) -> None:
    """Under references that tell event, attempt, side and symbol."""
    await switch.deliver()

    refs = [request.order_ref.split(":", 1)[1] for request in switch.recorder.intents]
    assert refs == ["1:SELL:OLD", "1:BUY:NEW"]
    assert [result.request.order_ref.split(":", 1)[1] for result in switch.recorder.results] == refs
    assert all(len(request.order_ref) <= 128 for request in switch.recorder.intents)
