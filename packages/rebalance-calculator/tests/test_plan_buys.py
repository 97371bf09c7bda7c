"""Buys planned anew after the sells: case 16 and the ways in which sells disappoint."""

from decimal import Decimal

import pytest

from rebalance_calculator import RebalancePlan, plan_buys, plan_rebalance
from rebalance_calculator.testing import account, inputs, position


def bought(plan: RebalancePlan, held: dict[str, int], cash: str) -> dict[str, int]:
    now = {symbol: Decimal(quantity) for symbol, quantity in held.items()}
    return {trade.symbol: trade.quantity for trade in plan_buys(plan, now, Decimal(cash))}


@pytest.fixture
def plan() -> RebalancePlan:
    """The plan of case 5: SELL 406 AAA and 15 BBB, BUY 316 CCC, keep 1 000."""
    return plan_rebalance(
        inputs(
            account(cash=20_000, net_liquidation=100_000, positions=[position("AAA", 1000), position("BBB", 1500)]),
            percent={"AAA": 30, "BBB": 30, "CCC": 40},
            prices={"AAA": 50, "BBB": 20, "CCC": 125},
            reserve=1,
        )
    )


def test_after_complete_sells_the_buys_are_those_of_the_plan(plan: RebalancePlan) -> None:
    """The very same values, reasons included."""
    held = {"AAA": Decimal(594), "BBB": Decimal(1485)}

    assert plan_buys(plan, held, Decimal(40_600)) == plan.buys


def test_case_16_a_partial_sell_shrinks_the_buys(plan: RebalancePlan) -> None:
    """200 of 406 sold: real cash is 30 300, the reserve of 1 000 stays, 234 CCC fit."""
    assert bought(plan, {"AAA": 800, "BBB": 1485}, "30300") == {"CCC": 234}


@pytest.mark.parametrize(("cash", "expected"), [("40599", 316), ("40499", 315), ("1125", 1), ("1124.99", 0)])
def test_the_reserve_of_the_plan_is_kept(plan: RebalancePlan, cash: str, expected: int) -> None:
    """Slippage and commissions come out of the buys, not out of the reserve."""
    result = bought(plan, {"AAA": 594, "BBB": 1485}, cash)

    assert result == ({"CCC": expected} if expected else {})


@pytest.mark.parametrize("cash", ["1000", "0", "-5000"])
def test_without_cash_above_the_reserve_nothing_is_bought(plan: RebalancePlan, cash: str) -> None:
    """Debt is no spending money."""
    assert bought(plan, {"AAA": 1000, "BBB": 1500}, cash) == {}


def test_more_cash_than_planned_buys_no_more_than_the_target(plan: RebalancePlan) -> None:
    """A deposit in between waits for the next plan; the nearest whole number of shares is 317."""
    assert bought(plan, {"AAA": 594, "BBB": 1485}, "500000") == {"CCC": 317}


def test_what_is_already_held_is_not_bought_again(plan: RebalancePlan) -> None:
    """After a crash between two buys the rest is bought, not everything."""
    assert bought(plan, {"AAA": 594, "BBB": 1485, "CCC": 300}, "3100") == {"CCC": 16}
    assert bought(plan, {"AAA": 594, "BBB": 1485, "CCC": 316}, "1100") == {}


def test_symbols_outside_of_the_plan_are_ignored(plan: RebalancePlan) -> None:
    """Positions may name what the plan never managed."""
    assert bought(plan, {"AAA": 594, "BBB": 1485, "SAP": 5}, "40600") == {"CCC": 316}
