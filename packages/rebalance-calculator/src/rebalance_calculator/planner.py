"""The plan: from one snapshot, weights and prices to sells and buys. A pure function of its inputs.

The rules are numbered as in docs/planning.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal, localcontext

from broker_connector_base import ContractPrice
from rebalance_calculator.cautions import about_buys, about_equity, about_limits, about_weights
from rebalance_calculator.equity import measure_equity
from rebalance_calculator.errors import PlanError
from rebalance_calculator.models import EquityInfo, PlanInputs, RebalancePlan, TargetPosition, Trade
from rebalance_calculator.positions import SplitPositions, split_positions, tradeable_weights
from rebalance_calculator.precision import CONTEXT
from rebalance_calculator.reserve import Reserve, resolve_reserve
from rebalance_calculator.sizing import buys_within, purse_of, sizes
from rebalance_calculator.targets import target_positions
from rebalance_calculator.trades import buy_trades, residues, sell_trades
from rebalance_calculator.wishes import wishes, within_ceilings

_ZERO = Decimal(0)


def plan_rebalance(inputs: PlanInputs) -> RebalancePlan:
    """Plan the trades that bring an account to its weights.

    Raises:
        PlanError: prices are missing (all of them named), weights are not fractions of one whole, two instruments
            share a symbol, or the price buffer is not a number from 0. Nothing may be traded then.
    """
    with localcontext(CONTEXT):
        _check_buffer(inputs.buy_price_buffer)
        positions = split_positions(inputs.snapshot, inputs.excluded)
        weights = tradeable_weights(inputs.weights, inputs.excluded)
        prices = _needed_prices(weights.keys() | positions.managed.keys(), inputs.prices)
        reserve = resolve_reserve(inputs.reserve_percentage)
        equity = measure_equity(inputs.snapshot, positions, prices, reserve.percentage)
        targets = target_positions(weights, positions.managed, prices, equity.available_for_trading)
        cautions = (*_about_reserve(reserve), *about_weights(inputs.weights, weights), *about_equity(equity))
        return _assembled(inputs, positions, equity, targets, cautions)


def plan_buys(plan: RebalancePlan, held: Mapping[str, Decimal], spendable_cash: Decimal) -> tuple[Trade, ...]:
    """Plan the buys anew from what the sells really brought: targets, prices, reserve and limits are those of `plan`.

    Args:
        plan: the plan whose sells have been carried out, entirely or in part.
        held: shares by symbol now; a symbol that is absent is not held.
        spendable_cash: US dollars now, *before* the reserve: the reserve of `plan` is subtracted here. The meaning is
            that of `AccountSnapshot.spendable_cash`; for a cash account the caller adds the proceeds of the sells.
    """
    with localcontext(CONTEXT):
        current = tuple(_now_holding(target, held.get(target.symbol, _ZERO)) for target in plan.targets)
        items = wishes(current, plan.limits, plan.equity.available_for_trading)
        if plan.buy_ceilings is not None:
            items = within_ceilings(items, plan.buy_ceilings, plan.limits)
        spendable = spendable_cash - plan.equity.reserve_amount
        quantities, _ = buys_within(items, spendable, plan.buy_price_buffer, plan.limits)
        return buy_trades(items, quantities)


def _needed_prices(symbols: Iterable[str], prices: Mapping[str, ContractPrice]) -> Mapping[str, Decimal]:
    needed = sorted(symbols)
    missing = [symbol for symbol in needed if symbol not in prices]
    if missing:
        raise PlanError(f"prices: none for {', '.join(missing)}; nothing may be traded without them")
    return {symbol: prices[symbol].price for symbol in needed}


def _about_reserve(reserve: Reserve) -> tuple[str, ...]:
    return (reserve.warning,) if reserve.warning else ()


def _check_buffer(buffer: Decimal) -> None:
    if not (buffer.is_finite() and buffer >= 0):
        raise PlanError(f"buy price buffer: {buffer}, expected a fraction from 0")


def _assembled(
    inputs: PlanInputs,
    positions: SplitPositions,
    equity: EquityInfo,
    targets: tuple[TargetPosition, ...],
    cautions: tuple[str, ...],
) -> RebalancePlan:
    limits = inputs.limits
    items = wishes(targets, limits, equity.available_for_trading)
    sized = sizes(items, purse_of(inputs, equity.reserve_amount), limits, equity.total_equity)
    sells, buys = sell_trades(sized.wishes, sized.sells), buy_trades(sized.wishes, sized.buys)
    return RebalancePlan(
        equity=equity,
        targets=targets,
        sells=sells,
        buys=buys,
        unmanaged=positions.unmanaged,
        residues=residues(targets),
        warnings=(
            *cautions,
            *about_limits(sized, sells + buys, limits),
            *about_buys(targets, sized, with_proceeds=inputs.proceeds_fund_buys),
        ),
        limits=limits,
        buy_price_buffer=inputs.buy_price_buffer,
        buy_ceilings=sized.ceilings,
    )


def _now_holding(target: TargetPosition, held: Decimal) -> TargetPosition:
    return replace(target, held=held, difference=target.target_quantity - held)
