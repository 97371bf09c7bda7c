"""From an account and its target weights to a plan: the one function that previews and live runs share."""

from collections.abc import Mapping
from dataclasses import dataclass

from broker_connector_base import AccountSnapshot, ContractPrice
from rebalance_calculator import (
    PlanInputs,
    RebalancePlan,
    TargetWeight,
    plan_rebalance,
    resolve_reserve,
    symbols_to_price,
)
from service_runtime.accounts import AccountConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """A plan with everything it was made from."""

    snapshot: AccountSnapshot
    weights: tuple[TargetWeight, ...]
    prices: Mapping[str, ContractPrice]
    plan: RebalancePlan


def make_plan(
    account: AccountConfig,
    snapshot: AccountSnapshot,
    weights: tuple[TargetWeight, ...],
    prices: Mapping[str, ContractPrice],
) -> Planning:
    """Plan the account's rebalance.

    Raises:
        CalculationError: no plan can be made of these inputs.
    """
    configured = account.rebalancing.equity_reserve_percentage
    inputs = PlanInputs(
        snapshot=snapshot,
        weights=weights,
        prices=prices,
        reserve_percentage=resolve_reserve(None).percentage if configured is None else configured,
        excluded=account.exclude,
    )
    return Planning(snapshot=snapshot, weights=weights, prices=prices, plan=plan_rebalance(inputs))


def needed_symbols(
    account: AccountConfig, snapshot: AccountSnapshot, weights: tuple[TargetWeight, ...]
) -> tuple[str, ...]:
    """Symbols whose prices and hours the plan needs, sorted."""
    return tuple(sorted(symbols_to_price(snapshot, weights, account.exclude)))
