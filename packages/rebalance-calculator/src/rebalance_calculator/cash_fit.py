"""Make buys fit the cash (rule 7 of the plan)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rebalance_calculator.precision import cut, shares_to_trade

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Want:
    """Shares missing from a target, fractional."""

    symbol: str
    price: Decimal
    quantity: Decimal


def fit_to_cash(wants: Sequence[Want], spendable: Decimal) -> Mapping[str, int]:
    """Whole shares to buy by symbol, at least 1 each, that together cost no more than `spendable`.

    What one round leaves over may be enough for a share that the round had shrunk away, which planning again after
    the fills would find. So rounds are repeated on the rest until one buys nothing; each spends money, so they end.
    """
    bought: dict[str, int] = {}
    missing, cash = tuple(wants), spendable
    while step := _round(missing, cash):
        for want in missing:
            bought[want.symbol] = bought.get(want.symbol, 0) + step.get(want.symbol, 0)
        cash -= sum((step.get(want.symbol, 0) * want.price for want in missing), _ZERO)
        missing = tuple(Want(want.symbol, want.price, want.quantity - step.get(want.symbol, 0)) for want in missing)
    return {symbol: quantity for symbol, quantity in bought.items() if quantity}


def _round(wants: Sequence[Want], cash: Decimal) -> Mapping[str, int]:
    """Shares of one round: shrink if cash is short as a whole, round to whole shares, take back the overshoot."""
    worthwhile = [want for want in wants if shares_to_trade(want.quantity) > 0]
    if cash <= 0 or not worthwhile:
        return {}
    affordable = _shrunk(worthwhile, cash)
    shares = {want.symbol: shares_to_trade(want.quantity) for want in affordable}
    return _without_overshoot(affordable, shares, cash)


def _shrunk(wants: Sequence[Want], cash: Decimal) -> Sequence[Want]:
    cost = sum((want.quantity * want.price for want in wants), _ZERO)
    if cost <= cash:
        return wants
    return [Want(want.symbol, want.price, cut(want.quantity * cash / cost)) for want in wants]


def _without_overshoot(wants: Sequence[Want], shares: Mapping[str, int], cash: Decimal) -> Mapping[str, int]:
    """Take single shares back where they exceed the want most, from the last symbol among equals, until all fits."""
    kept = dict(shares)
    cost = sum((kept[want.symbol] * want.price for want in wants), _ZERO)
    while cost > cash:
        giver = max(
            (want for want in wants if kept[want.symbol] > 0),
            key=lambda want: (kept[want.symbol] - want.quantity, want.symbol),
        )
        kept[giver.symbol] -= 1
        cost -= giver.price
    return {symbol: quantity for symbol, quantity in kept.items() if quantity}
