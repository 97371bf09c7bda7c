"""The numbered cases of the rebalancing rules that are one account's arithmetic, with their numbers and others."""

from decimal import Decimal

import pytest

from broker_connector_base import Side
from rebalance_calculator import PlanInputs, plan_rebalance
from rebalance_calculator.testing import account, after_fills, inputs, position, traded

CASE_1 = inputs(
    account(cash=100_000, net_liquidation=100_000),
    percent={"SPY": 60, "TLT": 30, "GLD": 10},
    prices={"SPY": 500, "TLT": 90, "GLD": 240},
    reserve=2,
)
CASE_5 = inputs(
    account(cash=20_000, net_liquidation=100_000, positions=[position("AAA", 1000), position("BBB", 1500)]),
    percent={"AAA": 30, "BBB": 30, "CCC": 40},
    prices={"AAA": 50, "BBB": 20, "CCC": 125},
    reserve=1,
)


def cash_after(before: PlanInputs) -> Decimal:
    return after_fills(before, plan_rebalance(before).trades).snapshot.cash


def test_case_1_the_nearest_shares_give_way_to_the_reserve() -> None:
    """118/327/41 is nearest and 270 dollars too much: SPY overshoots most and gives one back."""
    plan = plan_rebalance(CASE_1)

    assert traded(plan) == {"SPY": 117, "TLT": 327, "GLD": 41}
    assert cash_after(CASE_1) == Decimal(100_000 - 97_770)
    assert plan.warnings == ()


def test_case_1_with_other_numbers() -> None:
    """Two shares must go back, each from the largest overshoot of its moment."""
    given = inputs(
        account(cash=1000, net_liquidation=1000),
        percent={"A": "25.9", "B": "25.8", "C": "48.3"},
        prices={"A": 70, "B": 70, "C": 70},
    )

    assert traded(plan_rebalance(given)) == {"A": 4, "B": 3, "C": 7}


def test_case_2_ten_more_runs_change_nothing() -> None:
    """Planning after a fill finds nothing to do, as often as it is asked."""
    state = after_fills(CASE_1, plan_rebalance(CASE_1).trades)

    for _ in range(10):
        plan = plan_rebalance(state)
        assert plan.trades == ()
        state = after_fills(state, plan.trades)

    assert state.snapshot.cash == Decimal(2230)


@pytest.mark.parametrize(("a", "b"), [(60, 80), (600, 800)])
def test_case_3_an_account_on_target_is_left_alone(a: int, b: int) -> None:
    """What the shares once cost is not even an input."""
    value = a * 100 + b * 50
    given = inputs(
        account(cash=0, net_liquidation=value, positions=[position("A", a), position("B", b)]),
        percent={"A": 60, "B": 40},
        prices={"A": 100, "B": 50},
    )

    assert plan_rebalance(given).trades == ()


@pytest.mark.parametrize("shares", [100, 7])
def test_case_4_a_symbol_that_left_the_targets_is_sold_for_the_new_one(shares: int) -> None:
    """The sale comes first and pays for the purchase."""
    given = inputs(
        account(cash=0, net_liquidation=shares * 100, positions=[position("OLD", shares)]),
        percent={"A": 100},
        prices={"A": 100, "OLD": 100},
    )

    plan = plan_rebalance(given)

    assert [(trade.side, trade.quantity, trade.symbol) for trade in plan.trades] == [
        (Side.SELL, shares, "OLD"),
        (Side.BUY, shares, "A"),
    ]


def test_case_5_sells_pay_for_buys_and_the_reserve_stays() -> None:
    """The worked example, with every figure on the way."""
    plan = plan_rebalance(CASE_5)

    assert traded(plan) == {"AAA": -406, "BBB": -15, "CCC": 316}
    assert plan.equity.reserve_amount == 1000
    assert plan.equity.available_for_trading == 99_000
    assert [target.target_quantity for target in plan.targets] == [594, 1485, Decimal("316.8")]
    assert [trade.market_value for trade in plan.trades] == [20_300, 300, 39_500]
    assert cash_after(CASE_5) == 1100
    assert plan.symbols == {"AAA", "BBB", "CCC"}


@pytest.mark.parametrize(
    ("cash", "expected"),
    [("550", {}), ("551", {"A": 1}), ("449", {"A": -1}), ("450", {}), ("651", {"A": 2}), ("350", {"A": -2})],
)
def test_case_6_half_a_share_is_left_alone(cash: str, expected: dict[str, int]) -> None:
    """Targets around ten shares at 100 dollars, ten held: more than half a share moves, to the nearest."""
    value = Decimal(500) + Decimal(cash)
    given = inputs(
        account(cash=2000, net_liquidation=value, positions=[position("A", 10)]), percent={"A": 100}, prices={"A": 100}
    )

    assert traded(plan_rebalance(given)) == expected


def test_case_7_ties_are_broken_by_symbol() -> None:
    """Three equal wants, seven shares: the last symbols in the alphabet give back first."""
    given = inputs(
        account(cash=1000, net_liquidation=1000),
        percent={"C": "33.33", "A": "33.33", "B": "33.33"},
        prices={"A": 130, "B": 130, "C": 130},
    )

    plan = plan_rebalance(given)

    assert traded(plan) == {"A": 3, "B": 2, "C": 2}
    assert "2 (3 would be nearest)" in plan.buys[1].reason
    assert plan_rebalance(after_fills(given, plan.trades)).trades == ()


@pytest.mark.parametrize(("cash", "price"), [(300, 500_000), (99, 100), (40, 100)])
def test_case_8_a_target_below_one_share_is_a_warning(cash: int, price: int) -> None:
    """Nothing is bought, nothing fails, and the plan says why."""
    given = inputs(account(cash=cash, net_liquidation=cash), percent={"A": 100}, prices={"A": price})

    plan = plan_rebalance(given)

    assert plan.trades == ()
    assert [warning.split(":")[0] for warning in plan.warnings] == ["A"]


@pytest.mark.parametrize(("debt", "sold"), [(5000, 109), (25_000, 505)])
def test_case_9_debt_is_paid_back_by_selling(debt: int, sold: int) -> None:
    """A margin loan is above the reserve's line only after the sale."""
    given = inputs(
        account(cash=-debt, net_liquidation=50_000 - debt, positions=[position("AAA", 1000)]),
        percent={"AAA": 100},
        prices={"AAA": 50},
        reserve=1,
    )

    plan = plan_rebalance(given)

    assert traded(plan) == {"AAA": -sold}
    assert cash_after(given) >= plan.equity.reserve_amount


@pytest.mark.parametrize(("held", "sold", "left"), [("10.6", 10, "0.6"), ("10.4", 10, "0.4"), ("0.7", 0, "0.7")])
def test_case_12_a_fraction_stays_and_is_reported(held: str, sold: int, left: str) -> None:
    """Only whole shares can be sold; what stays is no reason to try again."""
    given = inputs(
        account(cash=0, net_liquidation=Decimal(held) * 10, positions=[position("OLD", held)]),
        percent={"A": 100},
        prices={"A": 1_000, "OLD": 10},
    )

    plan = plan_rebalance(given)
    again = plan_rebalance(after_fills(given, plan.trades))

    assert traded(plan) == ({"OLD": -sold} if sold else {})
    assert [(residue.symbol, residue.quantity) for residue in plan.residues] == [("OLD", Decimal(left))]
    assert again.trades == ()


def test_case_12_a_fraction_that_the_target_asks_for_is_no_residue() -> None:
    """Ten and a half shares of ten and a half wanted are where they should be."""
    given = inputs(
        account(cash=0, net_liquidation=1050, positions=[position("A", "10.5")]), percent={"A": 100}, prices={"A": 100}
    )

    assert plan_rebalance(given).residues == ()


@pytest.mark.parametrize(("spendable", "a", "b"), [(20_000, 100, 200), (10_000, 50, 100), (4_000, 20, 40)])
def test_case_18_buys_shrink_pro_rata_when_cash_is_short(spendable: int, a: int, b: int) -> None:
    """Two buys need 40 000: each gets the same share of the cash, and the plan says that it is short."""
    given = inputs(
        account(cash=spendable, net_liquidation=40_000), percent={"A": 50, "B": 50}, prices={"A": 100, "B": 50}
    )

    plan = plan_rebalance(given)

    assert traded(plan) == {"A": a, "B": b}
    assert any("A, B stay below target" in warning for warning in plan.warnings)


def test_cash_that_one_round_leaves_over_is_used_in_the_same_plan() -> None:
    """Shrunk wants of 1.46 and 0.44 shares leave 81 dollars: another A now, not in the next run."""
    given = inputs(
        account(cash=161, net_liquidation=1600), percent={"A": "72.5", "B": "27.5"}, prices={"A": 80, "B": 100}
    )

    plan = plan_rebalance(given)

    assert traded(plan) == {"A": 2}
    assert plan_rebalance(after_fills(given, plan.trades)).trades == ()


def test_a_cash_account_spends_settled_cash_only() -> None:
    """Yesterday's proceeds are in the cash, but not yet to be spent."""
    given = inputs(
        account(cash=10_000, settled_cash=4_000, net_liquidation=10_000), percent={"A": 100}, prices={"A": 100}
    )

    assert traded(plan_rebalance(given)) == {"A": 40}


def test_case_24_the_order_of_the_inputs_does_not_matter() -> None:
    """A preview and a live run of one snapshot are the same value."""
    snapshot = CASE_5.snapshot.model_copy(update={"positions": CASE_5.snapshot.positions[::-1]})
    reversed_inputs = PlanInputs(
        snapshot=snapshot,
        weights=CASE_5.weights[::-1],
        prices=dict(reversed(list(CASE_5.prices.items()))),
        reserve_percentage=CASE_5.reserve_percentage,
        excluded=CASE_5.excluded,
    )

    assert plan_rebalance(reversed_inputs) == plan_rebalance(CASE_5)


@pytest.mark.parametrize(("held", "target", "bought"), [(-5, 0, 5), (-5, 100, 1005), ("-5.4", 0, 5)])
def test_an_existing_short_is_bought_back(held: int | str, target: int, bought: int) -> None:
    """Selling short is never planned; ending a short always is."""
    given = inputs(
        account(cash=10_000 - Decimal(held) * 10, net_liquidation=10_000, positions=[position("A", held)]),
        percent={"A": target},
        prices={"A": 10},
    )

    plan = plan_rebalance(given)

    assert traded(plan) == {"A": bought}
    assert ("ends the short position" in plan.buys[0].reason) == (held != "-5.4")
