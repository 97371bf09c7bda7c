"""The numbered cases of the rebalancing rules, carried out at a paper brokerage."""

from decimal import Decimal

import pytest

from broker_connector_base import (
    AccountPosition,
    AssetClass,
    CancellationUnconfirmed,
    ForeignOrderOpen,
    OrderRejected,
    OrderStatus,
    PriceUnavailable,
    Side,
)
from broker_connector_base.testing import (
    FillOnCancellation,
    FillPartly,
    IgnoreCancellation,
    OrderScript,
    RejectOrder,
)
from event_processor.result import live_result
from event_processor.testing.scenario import NOON, Scenario, leave_order_open, paper_account, scenario
from rebalance_calculator import ReplacementRule, ReplacementSet, apply_replacements

BUY, SELL = Side.BUY, Side.SELL


async def test_case_1_buys_fit_the_investable_cash() -> None:
    """Rounding up costs more than the account may spend, so one share is given back."""
    case = scenario(
        paper_account(100_000), {"SPY": 500, "TLT": 90, "GLD": 240}, {"SPY": 60, "TLT": 30, "GLD": 10}, reserve=2
    )

    await case.carry_out()

    assert case.shares == {"SPY": 117, "TLT": 327, "GLD": 41}
    assert case.cash == 100_000 - 97_770


async def test_case_2_ten_more_runs_change_nothing() -> None:
    """A balanced account stays untouched, whatever the number of signals."""
    case = scenario(
        paper_account(100_000), {"SPY": 500, "TLT": 90, "GLD": 240}, {"SPY": 60, "TLT": 30, "GLD": 10}, reserve=2
    )
    await case.carry_out()
    cash, orders = case.cash, len(case.placed)

    for _ in range(10):
        await case.carry_out()

    assert (case.cash, len(case.placed)) == (cash, orders)


async def test_case_3_a_gain_alone_is_no_reason_to_trade() -> None:
    """What shares once cost plays no part."""
    case = scenario(paper_account(0, A=60, B=80), {"A": 100, "B": 50}, {"A": 60, "B": 40})

    run = await case.carry_out()

    assert case.sent == []
    assert live_result(run, NOON)["message"] == "Live rebalancing completed successfully: nothing to trade"


async def test_case_4_what_is_no_target_is_sold_first() -> None:
    """The old position goes, then its proceeds buy the new one."""
    case = scenario(paper_account(0, OLD=100), {"OLD": 100, "A": 100}, {"A": 100})

    await case.carry_out()

    assert case.sent == [(SELL, 100, "OLD"), (BUY, 100, "A")]


async def test_case_5_trims_then_buys(case_5: Scenario) -> None:
    """Two sells pay for the buy, and the reserve stays."""
    run = await case_5.carry_out()

    assert case_5.sent == [(SELL, 406, "AAA"), (SELL, 15, "BBB"), (BUY, 316, "CCC")]
    assert case_5.cash == 1_100
    assert live_result(run, NOON)["status"] == "success"


async def test_case_7_little_cash_buys_whole_shares() -> None:
    """Ties go to the first symbol by name."""
    case = scenario(paper_account(1_000), {"A": 130, "B": 130, "C": 130}, {"A": "33.33", "B": "33.33", "C": "33.33"})

    await case.carry_out()

    assert sum(case.shares.values()) == 7
    assert case.shares["A"] == 3


async def test_case_8_a_share_dearer_than_the_account_is_a_warning() -> None:
    """Nothing is bought, and that is no failure."""
    case = scenario(paper_account(300), {"BRK": 500_000}, {"BRK": 100})

    result = live_result(await case.carry_out(), NOON)

    assert case.sent == []
    assert result["status"] == "success"
    assert "less than one share" in result["warnings"][0]


async def test_case_9_a_loan_is_paid_back_by_selling() -> None:
    """Negative cash needs sells and allows no buys."""
    case = scenario(paper_account(-5_000, AAA=1000), {"AAA": 50}, {"AAA": 100}, reserve=1)

    await case.carry_out()

    assert case.sent == [(SELL, 109, "AAA")]


async def test_case_11_what_is_not_managed_is_never_touched() -> None:
    """An option of the same symbol and a foreign listing stay, and are reported."""
    option = AccountPosition(
        symbol="AAPL", contract_id="call", quantity=Decimal(-1), asset_class=AssetClass.OTHER, currency="USD"
    )
    sap = AccountPosition(
        symbol="SAP", contract_id="ibis", quantity=Decimal(50), asset_class=AssetClass.STOCK, currency="EUR"
    )
    account = paper_account(0, AAPL=100)
    account = account.model_copy(
        update={"positions": (*account.positions, option, sap), "unmanaged_value": Decimal(9_000)}
    )
    case = scenario(account, {"AAPL": 200}, {"AAPL": 100})

    result = live_result(await case.carry_out(), NOON)

    assert case.sent == []
    assert [warning.split(":")[0] for warning in result["warnings"]] == ["AAPL", "SAP"]


async def test_case_12_a_fraction_is_left_and_reported_once() -> None:
    """Whole shares are sold; what is left of a share is no reason to fail or to trade again."""
    case = scenario(paper_account(0, OLD="10.6"), {"OLD": 100, "A": 100}, {"A": 100})
    await case.carry_out()

    result = live_result(await case.carry_out(), NOON)

    assert case.sent == [(SELL, 10, "OLD"), (BUY, 10, "A")]
    assert result["status"] == "success"
    assert "OLD: 0.6 shares cannot be sold whole" in result["warnings"]


async def test_case_13_replacements_are_bought_and_then_kept() -> None:
    """The replaced targets are what the next run compares with."""
    rules = ReplacementSet("ira", (ReplacementRule("UVXY", "VXX", Decimal("1.5")),))
    case = scenario(
        paper_account(100_000), {"VXX": 50, "SPY": 500, "TLT": 90}, {"UVXY": 10, "SPY": 60, "TLT": 30}, reserve=1
    )
    case.weights = apply_replacements(case.weights, rules)

    await case.carry_out()
    await case.carry_out()

    assert sorted(case.sent) == [(BUY, 112, "SPY"), (BUY, 297, "VXX"), (BUY, 312, "TLT")]


async def test_case_15_without_a_price_nothing_is_touched() -> None:
    """A missing price is found before any order is placed or cancelled."""
    case = scenario(paper_account(1_000), {"A": 100, "B": None}, {"A": 50, "B": 50})
    leave_order_open(case.brokerage, "A", owner="1")

    with pytest.raises(PriceUnavailable, match="B"):
        await case.deliver()

    assert case.sent == []
    assert case.open_orders == 1


async def test_case_16_a_partly_filled_sell_shrinks_the_buys(case_5: Scenario) -> None:
    """At the deadline the rest is cancelled and confirmed; buys use the cash that came in."""
    case_5.brokerage.scripts.add(OrderScript(FillPartly(Decimal(200)), "AAA", SELL))

    result = live_result(await case_5.carry_out(), NOON)

    assert case_5.sent[2:] == [(BUY, 234, "CCC")]
    assert case_5.final_statuses() == [OrderStatus.CANCELLED, OrderStatus.FILLED, OrderStatus.FILLED]
    assert result["status"] == "partial"
    assert "SELL 406 AAA: filled 200, CANCELLED" in result["message"]


async def test_case_17_a_rejected_sell_stops_the_buys(case_5: Scenario) -> None:
    """The broker's words are the reason of the failure; the other sell was followed to its end."""
    case_5.brokerage.scripts.add(OrderScript(RejectOrder("201: no permission"), "AAA", SELL))

    with pytest.raises(OrderRejected, match="201: no permission"):
        await case_5.deliver()

    assert case_5.sent == [(SELL, 406, "AAA"), (SELL, 15, "BBB")]
    assert [result.status for result in case_5.recorder.results] == [OrderStatus.REJECTED, OrderStatus.FILLED]


async def test_case_18_buys_shrink_with_the_cash() -> None:
    """In a cash account only settled cash counts: half of what the targets need."""
    account = paper_account(40_000).model_copy(update={"is_cash_account": True, "settled_cash": Decimal(20_000)})
    case = scenario(account, {"A": 100, "B": 200}, {"A": 50, "B": 50})

    await case.carry_out()

    assert sorted(case.sent) == [(BUY, 50, "B"), (BUY, 100, "A")]


async def test_case_19_quantities_come_from_executions(case_5: Scenario) -> None:
    """An execution that wins the race against our cancellation counts, and nothing is sent twice."""
    case_5.brokerage.scripts.add(OrderScript(FillOnCancellation(), "AAA", SELL))

    result = live_result(await case_5.carry_out(), NOON)

    assert case_5.sent == [(SELL, 406, "AAA"), (SELL, 15, "BBB"), (BUY, 316, "CCC")]
    assert result["status"] == "success"


async def test_case_20_leftovers_are_cancelled_before_planning(case_5: Scenario) -> None:
    """Orders of a run that crashed are gone, confirmed, before the first new one is placed."""
    leave_order_open(case_5.brokerage, "CCC", owner="1")
    leave_order_open(case_5.brokerage, "CCC", owner="1")

    run = await case_5.carry_out()

    calls = [call.name for call in case_5.brokerage.journal if call.name in {"cancel_order", "place_order"}]
    assert calls[:3] == ["cancel_order", "cancel_order", "place_order"]
    assert len(run.cancelled) == 2
    assert case_5.cash == 1_100


async def test_case_20_what_a_leftover_bought_while_being_cancelled_is_planned_with(case_5: Scenario) -> None:
    """A fill that wins against the cancellation changes the plan, not the outcome."""
    leave_order_open(case_5.brokerage, "CCC", owner="1", behaviour=FillOnCancellation())

    await case_5.carry_out()

    assert case_5.shares == {"AAA": 594, "BBB": 1485, "CCC": 316}


async def test_case_20_an_order_of_client_77_is_cancelled_through_77(case_5: Scenario) -> None:
    """Whoever placed it, it is gone and confirmed before the first order of ours; other accounts are not looked at."""
    leave_order_open(case_5.brokerage, "CCC", owner="77")
    leave_order_open(case_5.brokerage, "CCC", owner="0")

    run = await case_5.carry_out()

    assert case_5.brokerage.journal.subjects("connect_as") == ("77", "0")
    assert [order.owner for order in run.cancelled] == ["77", "0"]
    assert case_5.shares == {"AAA": 594, "BBB": 1485, "CCC": 316}
    assert case_5.open_orders == 0


async def test_case_20_a_foreign_order_that_cannot_be_cancelled_stops_the_event(case_5: Scenario) -> None:
    """Client 77 is at work itself: nothing is placed beside its order, and both orders left open are named."""
    leave_order_open(case_5.brokerage, "CCC", owner="1")
    leave_order_open(case_5.brokerage, "CCC", owner="77")
    leave_order_open(case_5.brokerage, "AAA", owner="77")
    case_5.brokerage.owners.occupy("77")

    with pytest.raises(ForeignOrderOpen) as caught:
        await case_5.deliver()

    assert "BUY 5 CCC (order 77:2 of 77" in str(caught.value)
    assert "BUY 5 AAA (order 77:3 of 77" in str(caught.value)
    assert case_5.sent == []
    assert case_5.open_orders == 2


async def test_case_15_and_20_without_a_plan_nobody_elses_order_is_cancelled() -> None:
    """The plan is complete before any cancellation."""
    case = scenario(paper_account(1_000), {"A": 100, "B": None}, {"A": 50, "B": 50})
    leave_order_open(case.brokerage, "A", owner="77")

    with pytest.raises(PriceUnavailable):
        await case.deliver()

    assert case.brokerage.journal.subjects("cancel_order") == ()


async def test_a_leftover_that_cannot_be_cancelled_stops_the_event(case_5: Scenario) -> None:
    """Without the broker's confirmation nothing is placed."""
    leave_order_open(case_5.brokerage, "CCC", owner="1", behaviour=IgnoreCancellation())

    with pytest.raises(CancellationUnconfirmed):
        await case_5.deliver()

    assert case_5.sent == []


async def test_a_sell_of_unknown_fate_stops_the_buys(case_5: Scenario) -> None:
    """What could not be cancelled at the deadline may still fill, so its proceeds are not counted on."""
    case_5.brokerage.scripts.add(OrderScript(IgnoreCancellation(), "AAA", SELL))

    with pytest.raises(CancellationUnconfirmed):
        await case_5.deliver()

    assert case_5.sent == [(SELL, 406, "AAA"), (SELL, 15, "BBB")]


async def test_case_24_the_preview_is_the_live_plan(case_5: Scenario) -> None:
    """Showing it places nothing, cancels nothing, and carries out to the same trades."""
    preview = await case_5.preview()
    calls = {call.name for call in case_5.brokerage.journal}

    run = await case_5.carry_out()

    assert preview.planning.plan == run.planning.plan
    assert [(trade.side, trade.quantity, trade.symbol) for trade in preview.planning.plan.trades] == case_5.sent
    assert not calls & {"place_order", "cancel_order"}
