"""The plan: from one snapshot, weights and prices to sells and buys. A pure function of its inputs."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal, localcontext

from broker_connector_base import ContractPrice
from rebalance_calculator.cautions import about_buys, about_equity, about_weights
from rebalance_calculator.equity import measure_equity
from rebalance_calculator.errors import PlanError
from rebalance_calculator.holdings import Holdings, split_holdings, tradeable_weights
from rebalance_calculator.models import EquityInfo, PlanInputs, RebalancePlan, TargetPosition, Trade
from rebalance_calculator.precision import CONTEXT
from rebalance_calculator.reserve import Reserve, resolve_reserve
from rebalance_calculator.targets import target_positions
from rebalance_calculator.trades import buy_trades, residues, sell_trades, total_value

_ZERO = Decimal(0)


def plan_rebalance(inputs: PlanInputs) -> RebalancePlan:
    """Plan the trades that bring an account to its weights.

    Raises:
        PlanError: prices are missing (all of them named), weights are not fractions of one whole, or two
            instruments share a symbol. Nothing may be traded then.
    """
    with localcontext(CONTEXT):
        holdings = split_holdings(inputs.snapshot, inputs.excluded)
        weights = tradeable_weights(inputs.weights, inputs.excluded)
        prices = _needed_prices(weights.keys() | holdings.managed.keys(), inputs.prices)
        reserve = resolve_reserve(inputs.reserve_percentage)
        equity = measure_equity(inputs.snapshot, holdings, prices, reserve.percentage)
        targets = target_positions(weights, holdings.managed, prices, equity.available_for_trading)
        cautions = (*_about_reserve(reserve), *about_weights(inputs.weights, weights), *about_equity(equity))
        return _assembled(inputs.snapshot.spendable_cash, holdings, equity, targets, cautions)


def plan_buys(plan: RebalancePlan, held: Mapping[str, Decimal], spendable_cash: Decimal) -> tuple[Trade, ...]:
    """Plan the buys anew from what the sells really brought: same targets, prices and reserve as in `plan`.

    Args:
        plan: the plan whose sells have been carried out, entirely or in part.
        held: shares by symbol now; a symbol that is absent is not held.
        spendable_cash: US dollars now, *before* the reserve: the reserve of `plan` is subtracted here. The meaning is
            that of `AccountSnapshot.spendable_cash`; for a cash account the caller adds the proceeds of the sells.
    """
    with localcontext(CONTEXT):
        current = tuple(_now_holding(target, held.get(target.symbol, _ZERO)) for target in plan.targets)
        return buy_trades(current, spendable_cash - plan.equity.reserve_amount)


def _needed_prices(symbols: Iterable[str], prices: Mapping[str, ContractPrice]) -> Mapping[str, Decimal]:
    needed = sorted(symbols)
    missing = [symbol for symbol in needed if symbol not in prices]
    if missing:
        raise PlanError(f"prices: none for {', '.join(missing)}; nothing may be traded without them")
    return {symbol: prices[symbol].price for symbol in needed}


def _about_reserve(reserve: Reserve) -> tuple[str, ...]:
    return (reserve.warning,) if reserve.warning else ()


def _assembled(
    cash: Decimal,
    holdings: Holdings,
    equity: EquityInfo,
    targets: tuple[TargetPosition, ...],
    cautions: tuple[str, ...],
) -> RebalancePlan:
    sells = sell_trades(targets)
    spendable = cash + total_value(sells) - equity.reserve_amount
    buys = buy_trades(targets, spendable)
    return RebalancePlan(
        equity=equity,
        targets=targets,
        sells=sells,
        buys=buys,
        unmanaged=holdings.unmanaged,
        residues=residues(targets),
        warnings=(*cautions, *about_buys(targets, buys, spendable)),
    )


def _now_holding(target: TargetPosition, held: Decimal) -> TargetPosition:
    return replace(target, held=held, difference=target.target_quantity - held)
