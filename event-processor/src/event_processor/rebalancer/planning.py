"""From an account and its target weights to a plan: the one function that previews and live runs share."""

from collections.abc import Mapping
from dataclasses import dataclass

from broker_connector_base import AccountSnapshot, ContractPrice
from event_processor.order_style import OrderStyle, buy_price_buffer
from rebalance_calculator import (
    PlanInputs,
    RebalancePlan,
    TargetWeight,
    TradeLimits,
    plan_rebalance,
    resolve_reserve,
    symbols_to_price,
    tradeable_weights,
)
from service_runtime.accounts import AccountConfig, AccountLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """A plan with everything it was made from."""

    snapshot: AccountSnapshot
    weights: tuple[TargetWeight, ...]
    prices: Mapping[str, ContractPrice]
    style: OrderStyle
    plan: RebalancePlan


def make_plan(
    account: AccountConfig,
    snapshot: AccountSnapshot,
    weights: tuple[TargetWeight, ...],
    prices: Mapping[str, ContractPrice],
    style: OrderStyle,
) -> Planning:
    """Plan the account's rebalance for orders that go out in this style.

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
        limits=trade_limits(account.limits),
        buy_price_buffer=buy_price_buffer(style, [quote.price for quote in prices.values()]),
        proceeds_fund_buys=not style.waits_for_close,
    )
    plan = plan_rebalance(inputs)
    return Planning(snapshot=snapshot, weights=weights, prices=prices, style=style, plan=plan)


def trade_limits(configured: AccountLimits) -> TradeLimits:
    """The limits of accounts.yaml as the calculator takes them."""
    return TradeLimits(
        max_order_value=configured.max_order_value,
        max_turnover_percent=configured.max_turnover_percent,
        min_trade_value=configured.min_trade_value,
        drift_band_percent=configured.drift_band_percent,
    )


def needed_symbols(
    account: AccountConfig, snapshot: AccountSnapshot, weights: tuple[TargetWeight, ...]
) -> tuple[str, ...]:
    """Symbols whose prices and hours the plan needs, sorted."""
    return tuple(sorted(symbols_to_price(snapshot, weights, account.exclude)))


def target_symbols(account: AccountConfig, weights: tuple[TargetWeight, ...]) -> tuple[str, ...]:
    """Those of the needed symbols that are known before the account is, sorted."""
    return tuple(sorted(tradeable_weights(weights, account.exclude)))
