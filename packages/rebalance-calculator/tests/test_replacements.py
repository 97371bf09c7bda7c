"""Cases 13 and 14: an account's replacement set."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from rebalance_calculator import (
    PlanInputs,
    ReplacementError,
    ReplacementRule,
    ReplacementSet,
    apply_replacements,
    plan_rebalance,
)
from rebalance_calculator.testing import account, after_fills, quotes, traded, weights


def rules(*items: tuple[str, str, str]) -> ReplacementSet:
    return ReplacementSet("leveraged", tuple(ReplacementRule(s, t, Decimal(scale)) for s, t, scale in items))


def replaced(published: Mapping[str, str], *items: tuple[str, str, str]) -> Mapping[str, Decimal]:
    return {item.symbol: round(item.weight * 100, 3) for item in apply_replacements(weights(published), rules(*items))}


def test_case_13_excess_is_taken_from_the_rest_in_proportion() -> None:
    """One and a half times the weight is paid for by the symbols without a rule."""
    result = replaced({"UVXY": "10", "SPY": "60", "TLT": "30"}, ("UVXY", "VXX", "1.5"))

    assert result == {"VXX": Decimal(15), "SPY": Decimal("56.667"), "TLT": Decimal("28.333")}


def test_case_13_is_planned_and_then_left_alone() -> None:
    """The replaced weights are what the account holds afterwards."""
    given = apply_replacements(weights({"UVXY": 10, "SPY": 60, "TLT": 30}), rules(("UVXY", "VXX", "1.5")))
    first = PlanInputs(
        snapshot=account(cash=100_000, net_liquidation=100_000),
        weights=given,
        prices=quotes({"VXX": 50, "SPY": 500, "TLT": 90}),
        reserve_percentage=Decimal(1),
        excluded=frozenset(),
    )

    plan = plan_rebalance(first)

    assert traded(plan) == {"VXX": 297, "SPY": 112, "TLT": 312}
    assert plan_rebalance(after_fills(first, plan.trades)).trades == ()


def test_case_14_two_sources_meet_in_one_target() -> None:
    """Merged after scaling; only the scaled one costs the rest something."""
    result = replaced({"VIXY": "5", "UVXY": "5", "SPY": "90"}, ("VIXY", "VXX", "1.0"), ("UVXY", "VXX", "1.5"))

    assert result == {"VXX": Decimal("12.5"), "SPY": Decimal("87.5")}


def test_case_14_excess_beyond_the_rest_is_refused() -> None:
    """Seventy percent times one and a half leaves less than nothing for the rest."""
    with pytest.raises(ReplacementError, match="leveraged"):
        replaced({"UVXY": "70", "SPY": "30"}, ("UVXY", "VXX", "1.5"))


def test_the_rest_may_be_used_up_exactly() -> None:
    """Zero is a weight: what the account holds of the rest is sold."""
    result = replaced({"UVXY": "50", "SPY": "50"}, ("UVXY", "VXX", "2"))

    assert result == {"VXX": Decimal(100), "SPY": Decimal(0)}


def test_freed_weight_stays_cash() -> None:
    """Half the weight is half the weight; nobody else gets the difference, not even another rule's excess."""
    result = replaced({"TQQQ": "20", "UVXY": "10", "SPY": "70"}, ("TQQQ", "QQQ", "0.5"), ("UVXY", "VXX", "1.5"))

    assert result == {"QQQ": Decimal(10), "VXX": Decimal(15), "SPY": Decimal(65)}


def test_rules_apply_to_published_weights_only() -> None:
    """A chain of rules is not followed, so the order of rules cannot matter."""
    swap = [("A", "B", "1"), ("B", "A", "1")]

    assert replaced({"A": "70", "B": "30"}, *swap) == {"A": Decimal(30), "B": Decimal(70)}
    assert replaced({"A": "70", "B": "30"}, *reversed(swap)) == {"A": Decimal(30), "B": Decimal(70)}


def test_a_target_that_is_published_too_gives_and_receives() -> None:
    """VXX published for itself is part of the rest."""
    result = replaced({"UVXY": "10", "VXX": "30", "SPY": "60"}, ("uvxy ", " vxx", "1.9"))

    assert result == {"VXX": Decimal(46), "SPY": Decimal(54)}


def test_a_set_without_a_matching_rule_changes_nothing() -> None:
    """Most accounts name sources that are published only now and then."""
    assert replaced({"SPY": "100"}, ("UVXY", "VXX", "1.5")) == {"SPY": Decimal(100)}


@pytest.mark.parametrize("scale", ["0", "-1", "NaN", "Infinity"])
def test_a_scale_that_is_no_positive_number_is_refused(scale: str) -> None:
    """Even when the source is not published: the file is wrong, and tomorrow it may matter."""
    with pytest.raises(ReplacementError, match="UVXY -> VXX"):
        replaced({"SPY": "100"}, ("UVXY", "VXX", scale))


@pytest.mark.parametrize(("source", "target"), [("", "VXX"), ("UVXY", " ")])
def test_a_blank_symbol_is_refused(source: str, target: str) -> None:
    """A rule has two ends."""
    with pytest.raises(ReplacementError, match="blank"):
        replaced({"SPY": "100"}, (source, target, "1"))


def test_two_rules_for_one_source_are_refused() -> None:
    """Nobody could say which one is meant."""
    with pytest.raises(ReplacementError, match="two rules for source UVXY"):
        replaced({"SPY": "100"}, ("UVXY", "VXX", "1"), ("uvxy", "SVXY", "1"))


def test_the_sum_never_grows() -> None:
    """Thirds are cut, not rounded up."""
    result = apply_replacements(
        weights({"A": "10", "B": "30", "C": "30", "D": "30"}), rules(("A", "X", "1.3333333333333333333333"))
    )

    assert Decimal("0.99999999999") < sum(item.weight for item in result) <= 1
