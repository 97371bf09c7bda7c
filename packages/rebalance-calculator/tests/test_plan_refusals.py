"""Inputs that do not belong together, and settings of the surroundings that must not matter."""

from decimal import ROUND_UP, Context, Decimal, localcontext

import pytest

from rebalance_calculator import PlanError, PlanInputs, TargetWeight, plan_rebalance, symbols_to_price
from rebalance_calculator.testing import account, inputs, position, quotes


def with_weights(*weights: TargetWeight) -> PlanInputs:
    return PlanInputs(
        snapshot=account(cash=1000, net_liquidation=1000),
        weights=weights,
        prices=quotes({"A": 10, "B": 10}),
        reserve_percentage=Decimal(0),
        excluded=frozenset(),
    )


def test_every_missing_price_is_named_at_once() -> None:
    """For a target and for a position alike; one error, so that one look suffices."""
    given = inputs(
        account(cash=1000, net_liquidation=2000, positions=[position("OLD", 10)]),
        percent={"Z": 50, "A": 50},
        prices={"A": 10},
    )

    with pytest.raises(PlanError, match="none for OLD, Z"):
        plan_rebalance(given)


def test_weights_beyond_the_account_are_refused() -> None:
    """A second look at what validation promised: never more than all of it."""
    with pytest.raises(PlanError, match=r"sum to 1\.1"):
        plan_rebalance(with_weights(TargetWeight("A", Decimal("0.6")), TargetWeight("B", Decimal("0.5"))))


@pytest.mark.parametrize("weight", ["-0.1", "NaN", "Infinity"])
def test_a_weight_that_is_no_fraction_is_refused(weight: str) -> None:
    """A negative target would open a short position."""
    with pytest.raises(PlanError, match="A has"):
        plan_rebalance(with_weights(TargetWeight("A", Decimal(weight))))


def test_a_symbol_with_two_weights_is_refused() -> None:
    """The later one must not silently win."""
    with pytest.raises(PlanError, match="A appears twice"):
        plan_rebalance(with_weights(TargetWeight("A", Decimal("0.6")), TargetWeight("A", Decimal("0.1"))))


def test_a_reserve_out_of_range_is_replaced_with_a_warning() -> None:
    """The plan keeps 1 percent and says so."""
    plan = plan_rebalance(
        inputs(account(cash=1000, net_liquidation=1000), percent={"A": 100}, prices={"A": 10}, reserve=50)
    )

    assert plan.equity.reserve_amount == 10
    assert plan.buys[0].quantity == 99
    assert "50 %" in plan.warnings[0]


def test_the_callers_decimal_context_does_not_matter() -> None:
    """A low precision set elsewhere in the process changes no plan."""
    given = inputs(
        account(cash="123456.78", net_liquidation="123456.78"),
        percent={"A": "33.3333", "B": "66.6667"},
        prices={"A": "7.77", "B": "3.33"},
        reserve=1,
    )
    expected = plan_rebalance(given)

    with localcontext(Context(prec=3, rounding=ROUND_UP)):
        assert plan_rebalance(given) == expected
        assert symbols_to_price(given.snapshot, given.weights, given.excluded) == {"A", "B"}
