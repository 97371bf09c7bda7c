"""The trades of a plan, worked out a second time by other means.

Exact fractions instead of decimals, shares to give back sorted at once instead of one by one, and the end of it all
found by filling orders and looking again instead of in one pass. It shares no code with the planner, only the rules.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import floor

from rebalance_calculator.models import PlanInputs

_HALF = Fraction(1, 2)
_GRID = 10**12
"""Fractional shares are cut after twelve decimals, toward zero."""


def expected_trades(inputs: PlanInputs) -> Mapping[str, int]:
    """Signed whole shares by symbol: positive bought, negative sold. The reserve must lie in 0..10."""
    prices = {symbol: Fraction(quote.price) for symbol, quote in inputs.prices.items()}
    held = _managed(inputs)
    reserve = max(Fraction(inputs.snapshot.net_liquidation), Fraction(0)) * Fraction(inputs.reserve_percentage) / 100
    investable = _investable(inputs, held, prices, reserve)
    targets = {symbol: Fraction(0) for symbol in held} | {
        item.symbol: _cut(Fraction(item.weight) * investable / prices[item.symbol])
        for item in inputs.weights
        if item.weight > 0 and item.symbol not in inputs.excluded
    }
    sold = {symbol: _to_sell(held.get(symbol, Fraction(0)), target) for symbol, target in targets.items()}
    cash = Fraction(inputs.snapshot.spendable_cash) - reserve + sum(sold[symbol] * prices[symbol] for symbol in sold)
    gaps = {symbol: target - held.get(symbol, Fraction(0)) for symbol, target in targets.items()}
    bought = _bought(gaps, prices, cash)
    trades = {symbol: bought.get(symbol, 0) - sold[symbol] for symbol in targets}
    return {symbol: quantity for symbol, quantity in trades.items() if quantity}


def _managed(inputs: PlanInputs) -> dict[str, Fraction]:
    held: dict[str, Fraction] = {}
    for item in inputs.snapshot.positions:
        if item.asset_class == "STOCK" and item.currency == "USD" and item.symbol not in inputs.excluded:
            held[item.symbol] = held.get(item.symbol, Fraction(0)) + Fraction(item.quantity)
    return held


def _investable(
    inputs: PlanInputs, held: Mapping[str, Fraction], prices: Mapping[str, Fraction], reserve: Fraction
) -> Fraction:
    snapshot = inputs.snapshot
    total, other = Fraction(snapshot.net_liquidation), Fraction(snapshot.other_cash)
    has_unmanaged = any(
        item.quantity != 0 and (item.asset_class != "STOCK" or item.currency != "USD" or item.symbol in inputs.excluded)
        for item in snapshot.positions
    )
    if not has_unmanaged:
        return max(Fraction(0), total - reserve - other)
    managed = Fraction(snapshot.cash) + sum(quantity * prices[symbol] for symbol, quantity in held.items())
    return max(Fraction(0), total - reserve - other - (total - other - managed))


def _to_sell(held: Fraction, target: Fraction) -> int:
    surplus = held - target
    return min(round(surplus), floor(held)) if surplus > _HALF else 0


def _bought(gaps: Mapping[str, Fraction], prices: Mapping[str, Fraction], cash: Fraction) -> Mapping[str, int]:
    """Buy, look at what is still missing, buy again, until there is nothing to buy."""
    order = _one_look(gaps, prices, cash)
    if not order:
        return {}
    left = {symbol: gap - order.get(symbol, 0) for symbol, gap in gaps.items()}
    later = _bought(left, prices, cash - sum(order[symbol] * prices[symbol] for symbol in order))
    return {symbol: order.get(symbol, 0) + later.get(symbol, 0) for symbol in gaps}


def _one_look(gaps: Mapping[str, Fraction], prices: Mapping[str, Fraction], cash: Fraction) -> Mapping[str, int]:
    wanted = {symbol: gap for symbol, gap in gaps.items() if gap > _HALF}
    need = sum(gap * prices[symbol] for symbol, gap in wanted.items())
    if not need or cash <= 0:
        return {}
    if need > cash:
        wanted = {symbol: _cut(gap * cash / need) for symbol, gap in wanted.items()}
    order = {symbol: round(gap) for symbol, gap in wanted.items() if gap > _HALF}
    excess = sum(order[symbol] * prices[symbol] for symbol in order) - cash
    for symbol in _givers(order, wanted):
        if excess <= 0:
            break
        order[symbol] -= 1
        excess -= prices[symbol]
    return {symbol: quantity for symbol, quantity in order.items() if quantity}


def _givers(order: Mapping[str, int], wanted: Mapping[str, Fraction]) -> list[str]:
    """Every single share of the order by its overshoot, the largest first, then the last symbol first."""
    # Rounding adds half a share of each at most, so one share of each pays for it; two keep ties in their order.
    steps = [(order[s] - given - wanted[s], s) for s in order for given in range(min(order[s], 2))]
    return [symbol for _, symbol in sorted(steps, reverse=True)]


def _cut(value: Fraction) -> Fraction:
    return Fraction(floor(value * _GRID), _GRID)
