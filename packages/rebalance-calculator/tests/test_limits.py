"""What each limit does to the account of case 5: SELL 406 AAA at 50, SELL 15 BBB at 20, BUY 316 CCC at 125."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rebalance_calculator import PlanError, PlanInputs, RebalancePlan, TradeLimits, plan_buys, plan_rebalance
from rebalance_calculator.testing import account, after_fills, inputs, position, traded

CASE_5 = inputs(
    account(cash=20_000, net_liquidation=100_000, positions=[position("AAA", 1000), position("BBB", 1500)]),
    percent={"AAA": 30, "BBB": 30, "CCC": 40},
    prices={"AAA": 50, "BBB": 20, "CCC": 125},
    reserve=1,
)


def limits(**values: int | str) -> TradeLimits:
    return TradeLimits(**{name: Decimal(value) for name, value in values.items()})


def limited(given: PlanInputs = CASE_5, **values: int | str) -> RebalancePlan:
    return plan_rebalance(replace(given, limits=limits(**values)))


def live_buys(given: PlanInputs, plan: RebalancePlan) -> object:
    """The buys that a live run plans after its sells were filled."""
    after = after_fills(given, plan.sells).snapshot
    return plan_buys(plan, {held.symbol: held.quantity for held in after.positions}, after.spendable_cash)


def test_without_limits_nothing_changes() -> None:
    """The numbers of case 5."""
    assert traded(limited()) == {"AAA": -406, "BBB": -15, "CCC": 316}


def test_an_order_is_cut_to_the_largest_allowed() -> None:
    """Ten thousand dollars are 200 AAA and 80 CCC; what is left is told."""
    plan = limited(max_order_value=10_000)

    assert traded(plan) == {"AAA": -200, "BBB": -15, "CCC": 80}
    assert plan.warnings == (
        "AAA: the order is cut to 200 shares by max_order_value 10,000.00 USD; 206 are left to trade",
        "CCC: the order is cut to 80 shares by max_order_value 10,000.00 USD; 237 are left to trade",
    )
    assert plan.sells[0].reason.endswith("sell 200 (406 would be nearest), as max_order_value allows")
    assert plan.buys[0].reason.endswith("buy 80 (317 would be nearest), as max_order_value allows")


def test_a_share_above_the_largest_order_is_not_traded() -> None:
    """A hundred and twenty-five dollars do not fit into a hundred."""
    assert traded(limited(max_order_value=100)) == {"AAA": -2, "BBB": -5}


@pytest.mark.parametrize(("least", "is_sent"), [("300", True), ("300.01", False)])
def test_a_small_trade_is_dropped(least: str, is_sent: bool) -> None:
    """Fifteen BBB are worth 300; without their proceeds two CCC fewer fit."""
    plan = limited(min_trade_value=least)

    assert traded(plan) == ({"AAA": -406, "BBB": -15, "CCC": 316} if is_sent else {"AAA": -406, "CCC": 314})
    assert any("BBB: not traded" in warning for warning in plan.warnings) is not is_sent


def test_buys_that_cash_makes_too_small_give_way_to_others() -> None:
    """Five hundred dollars for each are too little to send, a thousand for one of them are not."""
    given = inputs(account(cash=1000, net_liquidation=40_000), percent={"A": 50, "B": 50}, prices={"A": 100, "B": 100})

    plan = limited(given, min_trade_value=600)

    assert traded(plan) == {"A": 10}
    assert "B: not traded, as the order would be worth less than min_trade_value 600.00 USD" in plan.warnings


@pytest.mark.parametrize(("band", "bbb"), [("0.3", -15), ("0.31", None), ("1", None)])
def test_a_position_within_the_drift_band_stays(band: str, bbb: int | None) -> None:
    """BBB is 30.303 % of what is investable, its target 30 %."""
    plan = limited(drift_band_percent=band)

    expected = {"AAA": -406, "CCC": 316} | ({"BBB": bbb} if bbb else {"CCC": 314})
    assert traded(plan) == expected
    assert any("BBB are within it" in warning for warning in plan.warnings) is (bbb is None)


def test_the_edge_of_the_drift_band_belongs_to_it() -> None:
    """Sixty-one percent of a target of sixty, exactly."""
    held = [position("A", 61), position("B", 39)]
    given = inputs(
        account(cash=0, net_liquidation=10_000, positions=held),
        percent={"A": 60, "B": 40},
        prices={"A": 100, "B": 100},
    )

    assert traded(limited(given, drift_band_percent=1)) == {}
    assert traded(limited(given, drift_band_percent="0.99")) == {"A": -1, "B": 1}


@pytest.mark.parametrize(("held", "expected"), [(3, {"OLD": -3}), (-3, {"OLD": 3})])
def test_no_drift_band_keeps_a_position_without_target_or_a_short(held: int, expected: dict[str, int]) -> None:
    """Three dollars of a hundred are within five percent, and go all the same."""
    given = inputs(
        account(cash=100 - held, net_liquidation=100, positions=[position("OLD", held)]),
        percent={"A": 0},
        prices={"A": 1, "OLD": 1},
    )

    assert traded(limited(given, drift_band_percent=5)) == expected


def test_a_short_in_a_target_is_ended_whatever_the_drift_band() -> None:
    """One share short of a target of one: within two percent, and bought."""
    given = inputs(
        account(cash=101, net_liquidation=100, positions=[position("A", -1)]), percent={"A": 1}, prices={"A": 1}
    )

    assert traded(limited(given, drift_band_percent=2)) == {"A": 2}


def test_turnover_scales_all_trades_down_in_proportion() -> None:
    """Trades of 60 100 become a third: 135, 4 and 105 shares are 19 955 of 20 000."""
    plan = limited(max_turnover_percent=20)

    assert traded(plan) == {"AAA": -135, "BBB": -4, "CCC": 105}
    assert plan.warnings == ("max_turnover_percent 20: trades of 60,100.00 USD are scaled down to 19,955.00 USD",)
    assert "as max_turnover_percent allows" in plan.buys[0].reason
    assert live_buys(CASE_5, plan) == plan.buys


def test_turnover_that_is_not_reached_changes_nothing() -> None:
    """Exactly 60.1 percent are allowed, and are traded."""
    assert limited(max_turnover_percent="60.1").trades == limited().trades


def test_scaled_down_sells_pay_for_fewer_buys() -> None:
    """Debts of 5 000 come first: 473 sold leave 18 650, which is less than a proportional 21 300."""
    given = inputs(
        account(cash=-5000, net_liquidation=45_000, positions=[position("AAA", 1000)]),
        percent={"BBB": 100},
        prices={"AAA": 50, "BBB": 50},
    )

    plan = limited(given, max_turnover_percent=100)

    assert traded(plan) == {"AAA": -473, "BBB": 373}
    assert live_buys(given, plan) == plan.buys


def test_an_account_worth_nothing_has_no_turnover() -> None:
    """A percentage of debts is nothing."""
    given = inputs(
        account(cash=-9000, net_liquidation=-4000, positions=[position("A", 100)]), percent={"A": 100}, prices={"A": 50}
    )

    assert traded(limited(given, max_turnover_percent=50)) == {}


def test_what_was_too_small_before_the_turnover_cap_is_named_too() -> None:
    """B goes without for want of cash, and A keeps eight of its ten shares."""
    given = inputs(account(cash=1000, net_liquidation=40_000), percent={"A": 50, "B": 50}, prices={"A": 100, "B": 100})

    plan = limited(given, min_trade_value=501, max_turnover_percent="2")

    assert traded(plan) == {"A": 8}
    assert [warning.split(":")[0] for warning in plan.warnings] == ["max_turnover_percent 2", "B"]


def test_limits_work_together() -> None:
    """Orders cut to 10 000 each, BBB too small, and then half of everything: 100 AAA for 40 CCC."""
    plan = limited(max_order_value=10_000, min_trade_value=500, max_turnover_percent=10)

    assert traded(plan) == {"AAA": -100, "CCC": 40}
    assert len(plan.warnings) == 2
    assert live_buys(CASE_5, plan) == plan.buys


def test_what_the_turnover_makes_too_small_is_not_sent() -> None:
    """Four BBB of 80 dollars are below 100."""
    plan = limited(max_turnover_percent=20, min_trade_value=100)

    assert traded(plan) == {"AAA": -135, "CCC": 105}


@pytest.mark.parametrize(("buffer", "ccc"), [("0", 316), ("0.01", 313), ("0.1", 288)])
def test_a_price_buffer_leaves_cash_for_dearer_fills(buffer: str, ccc: int) -> None:
    """At 126.25 dollars 39 600 are enough for 313; targets, sells and values stay at the price of the plan."""
    given = replace(CASE_5, buy_price_buffer=Decimal(buffer))

    plan = plan_rebalance(given)

    assert traded(plan) == {"AAA": -406, "BBB": -15, "CCC": ccc}
    assert plan.targets == plan_rebalance(CASE_5).targets
    assert plan.buys[0].market_value == ccc * 125
    assert live_buys(given, plan) == plan.buys


def test_buys_beside_sells_spend_what_is_there_already() -> None:
    """Nineteen thousand above the reserve are 152 CCC; the sells do not wait for anything."""
    plan = plan_rebalance(replace(CASE_5, proceeds_fund_buys=False))

    assert traded(plan) == {"AAA": -406, "BBB": -15, "CCC": 152}
    assert plan.warnings == (
        "cash is short: CCC stay below target; spendable without the proceeds of sells 19,000.00 USD",
    )


@pytest.mark.parametrize("value", ["0", "-1", "NaN", "Infinity"])
def test_what_is_no_limit_is_refused_by_name(value: str) -> None:
    """A limit of nothing would be a ban, which has another switch."""
    with pytest.raises(PlanError, match="max_turnover_percent"):
        limits(max_turnover_percent=value)


@pytest.mark.parametrize("buffer", ["-0.01", "NaN", "Infinity"])
def test_what_is_no_price_buffer_is_refused(buffer: str) -> None:
    """A discount would spend money that is not there."""
    with pytest.raises(PlanError, match="buffer"):
        plan_rebalance(replace(CASE_5, buy_price_buffer=Decimal(buffer)))


@pytest.mark.parametrize(("name", "value", "runs"), [("max_order_value", 10_000, 4), ("max_turnover_percent", 20, 4)])
def test_limited_runs_reach_the_same_target_in_more_steps(name: str, value: int, runs: int) -> None:
    """Each run does a part; the last finds nothing left to do."""
    state = CASE_5
    for _ in range(runs):
        plan = limited(state, **{name: value})
        assert plan.trades
        state = after_fills(state, plan.trades)

    assert limited(state, **{name: value}).trades == ()
    assert {held.symbol: held.quantity for held in state.snapshot.positions} == {"AAA": 594, "BBB": 1485, "CCC": 316}
