"""Case 11 and its kin: what the plan reports and never touches."""

import pytest

from broker_connector_base import AssetClass
from rebalance_calculator import PlanError, plan_rebalance, symbols_to_price
from rebalance_calculator.testing import account, inputs, position, traded, weights

SHORT_CALL = position("AAPL", -1, contract_id="call", asset_class=AssetClass.OTHER)
SAP = position("SAP", 50, currency="EUR")


def test_case_11_options_and_foreign_listings_are_reported_only() -> None:
    """The shares of the option's underlying are planned; the option and the foreign shares are not."""
    given = inputs(
        account(cash=0, net_liquidation=28_000, positions=[SAP, position("AAPL", 100), SHORT_CALL]),
        percent={"SPY": 100},
        prices={"AAPL": 200, "SPY": 500},
    )

    plan = plan_rebalance(given)

    assert traded(plan) == {"AAPL": -100, "SPY": 40}
    assert plan.unmanaged == (SHORT_CALL, SAP)
    assert plan.equity.unmanaged_value == 8000


@pytest.mark.parametrize(("worth", "bought"), [(8000, 10), (10_000, 10), (0, 10), (-500, 10)])
def test_the_value_of_unmanaged_positions_is_not_invested(worth: int, bought: int) -> None:
    """Whatever net liquidation holds beside cash and managed shares belongs to them, even a liability."""
    given = inputs(
        account(cash=1000, net_liquidation=1000 + worth, positions=[SAP]), percent={"A": 100}, prices={"A": 100}
    )

    plan = plan_rebalance(given)

    assert plan.equity.unmanaged_value == worth
    assert traded(plan) == {"A": bought}


def test_foreign_cash_is_not_invested() -> None:
    """Only US dollars buy US shares; with unmanaged positions it counts once, not twice."""
    alone = inputs(account(cash=1000, other_cash=500, net_liquidation=1500), percent={"A": 100}, prices={"A": 100})
    together = inputs(
        account(cash=1000, other_cash=500, net_liquidation=3500, positions=[SAP]), percent={"A": 100}, prices={"A": 100}
    )

    assert plan_rebalance(alone).equity.available_for_trading == 1000
    assert plan_rebalance(together).equity.unmanaged_value == 2500
    assert traded(plan_rebalance(alone)) == traded(plan_rebalance(together)) == {"A": 10}


@pytest.mark.parametrize("spelling", ["GME", " gme "])
def test_an_excluded_position_is_kept_and_its_value_set_aside(spelling: str) -> None:
    """The owner's own shares are neither sold nor counted."""
    given = inputs(
        account(cash=1000, net_liquidation=1500, positions=[position("GME", 20)]),
        percent={"A": 100},
        prices={"A": 100},
        excluded=[spelling],
    )

    plan = plan_rebalance(given)

    assert traded(plan) == {"A": 10}
    assert [held.symbol for held in plan.unmanaged] == ["GME"]
    assert plan.equity.unmanaged_value == 500


def test_an_excluded_target_is_not_traded_and_its_weight_stays_cash() -> None:
    """Two settings contradict each other: the cautious one wins, and the plan says so."""
    given = inputs(
        account(cash=10_000, net_liquidation=10_000), percent={"A": 60, "GME": 40}, prices={"A": 100}, excluded=["GME"]
    )

    plan = plan_rebalance(given)

    assert traded(plan) == {"A": 60}
    assert plan.warnings == (
        "GME is a target and excluded: it is not traded, and its weight of 40.00 % is not invested",
    )


def test_an_empty_position_is_no_position() -> None:
    """Brokerages go on listing what was closed today."""
    given = inputs(
        account(cash=1000, net_liquidation=1000, positions=[position("OLD", 0), position("SAP", 0, currency="EUR")]),
        percent={"A": 100},
        prices={"A": 100},
    )

    plan = plan_rebalance(given)

    assert [target.symbol for target in plan.targets] == ["A"]
    assert plan.unmanaged == ()


def test_parts_of_one_position_are_summed() -> None:
    """Two lots of one contract are one position."""
    given = inputs(
        account(cash=0, net_liquidation=1000, positions=[position("A", 4), position("A", 6)]),
        percent={"A": 100},
        prices={"A": 100},
    )

    plan = plan_rebalance(given)

    assert plan.trades == ()
    assert plan.targets[0].held == 10


def test_two_contracts_of_one_symbol_are_refused() -> None:
    """An order by symbol could meet the wrong one; excluding the symbol makes the account tradeable again."""
    snapshot = account(
        cash=1000,
        net_liquidation=2000,
        positions=[position("A", 4, contract_id="1"), position("A", 6, contract_id="2")],
    )

    with pytest.raises(PlanError, match="A stands for contracts 1 and 2"):
        plan_rebalance(inputs(snapshot, percent={"A": 100}, prices={"A": 100}))
    with pytest.raises(PlanError, match="A stands for contracts 1 and 2"):
        symbols_to_price(snapshot, (), ())
    assert plan_rebalance(inputs(snapshot, percent={}, prices={}, excluded=["A"])).trades == ()


def test_a_held_symbol_too_long_for_an_order_is_refused_by_name() -> None:
    """Before a price is asked for; excluding the symbol makes the account tradeable again."""
    endless = "A" * 33
    snapshot = account(cash=1000, net_liquidation=2000, positions=[position(endless, 4), position("B" * 32, 1)])

    with pytest.raises(PlanError, match=f"account {snapshot.account_id} holds '{endless}', a symbol of 33 characters"):
        symbols_to_price(snapshot, (), ())
    with pytest.raises(PlanError, match=endless):
        plan_rebalance(inputs(snapshot, percent={}, prices={endless: 1, "B" * 32: 1}))
    assert symbols_to_price(snapshot, (), [endless]) == {"B" * 32}


def test_prices_are_needed_for_targets_and_managed_positions() -> None:
    """Not for excluded, foreign or closed ones, nor for targets without a weight."""
    snapshot = account(
        cash=1000,
        net_liquidation=2000,
        positions=[position("OLD", 4), position("GME", 6), position("GONE", 0), SAP, SHORT_CALL],
    )

    needed = symbols_to_price(snapshot, weights({"A": 50, "GME": 50, "ZERO": 0}), frozenset({"GME"}))

    assert needed == {"A", "OLD"}


@pytest.mark.parametrize(("cash", "net_liquidation"), [(-500, 0), (-600, -100), (-1000, 500)])
def test_an_account_with_nothing_to_invest_sells_and_says_so(cash: int, net_liquidation: int) -> None:
    """Debts or unmanaged positions take everything: targets are 0, and nothing is bought."""
    positions = [position("A", 10), *([SAP] if net_liquidation > 0 else [])]
    given = inputs(
        account(cash=cash, net_liquidation=net_liquidation, positions=positions),
        percent={"A": 50, "B": 50},
        prices={"A": 50, "B": 10},
        reserve=1,
    )

    plan = plan_rebalance(given)

    assert plan.equity.available_for_trading == 0
    assert traded(plan) == {"A": -10}
    assert any("nothing is investable" in warning for warning in plan.warnings)
