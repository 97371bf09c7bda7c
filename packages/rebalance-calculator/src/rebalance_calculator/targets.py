"""Where every symbol should be (rule 5 of the plan)."""

from collections.abc import Mapping
from decimal import Decimal

from rebalance_calculator.models import TargetPosition
from rebalance_calculator.precision import cut

_ZERO = Decimal(0)


def target_positions(
    weights: Mapping[str, Decimal], held: Mapping[str, Decimal], prices: Mapping[str, Decimal], investable: Decimal
) -> tuple[TargetPosition, ...]:
    """Targets of all weighted and all held symbols, by symbol; a held symbol without a weight has target 0.

    Args:
        weights: fractions of `investable`.
        held: managed shares.
        prices: US dollars per share, of every symbol in `weights` and `held`.
        investable: US dollars, at least 0.
    """
    return tuple(
        _target(symbol, weights.get(symbol, _ZERO), held.get(symbol, _ZERO), prices[symbol], investable)
        for symbol in sorted(weights.keys() | held.keys())
    )


def _target(symbol: str, weight: Decimal, held: Decimal, price: Decimal, investable: Decimal) -> TargetPosition:
    quantity = cut(weight * investable / price)
    return TargetPosition(
        symbol=symbol,
        weight=weight,
        price=price,
        held=held,
        target_quantity=quantity,
        difference=quantity - held,
    )
