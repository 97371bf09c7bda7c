"""From published allocations to weights that may be traded on (rule 1 of the plan)."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Final

from rebalance_calculator.errors import AllocationError
from rebalance_calculator.models import Allocation, TargetWeight
from rebalance_calculator.precision import CONTEXT, cut

_CLASS: Final = re.compile(r"(?<=[A-Z])[ /-](?=[A-Z]$)")
LONGEST_SYMBOL: Final = 32
"""Letters of the longest symbol by far, options included; what is longer, or no printable ASCII, names nothing."""
SUM_TOLERANCE = Decimal("0.01")
"""Publishers round; a sum further from 1 than this is a mistake, not a rounding."""


def validate_allocations(items: Sequence[Allocation]) -> tuple[TargetWeight, ...]:
    """Checked weights by symbol: trimmed, upper-cased, duplicates merged, never more than 1 in sum.

    A sum below 1 is kept: the missing part stays cash.

    Raises:
        AllocationError: the list is empty, a symbol is blank or none, a weight is not a number in 0..1, or the sum is
            further than 0.01 from 1. An empty list is never read as "sell everything".
    """
    if not items:
        raise AllocationError("allocations: the list is empty")
    with localcontext(CONTEXT):
        merged = _merged(_checked(item) for item in items)
        return tuple(TargetWeight(symbol, weight) for symbol, weight in sorted(_fitted(merged).items()))


def normalise_symbol(symbol: str) -> str:
    """The one spelling of a symbol: trimmed and upper-cased, a class of shares after a dot.

    `BRK.B` is published as `BRK-B`, `BRK/B` or `BRK B`, too. Only a single last letter is taken for a class.
    """
    return _CLASS.sub(".", " ".join(symbol.split()).upper())


def _checked(item: Allocation) -> TargetWeight:
    symbol = normalise_symbol(item.symbol)
    if not symbol:
        raise AllocationError("allocations: a symbol is blank")
    if not (item.symbol.isascii() and symbol.isprintable() and len(symbol) <= LONGEST_SYMBOL):
        raise AllocationError(f"allocations: {item.symbol[:LONGEST_SYMBOL]!a} is no symbol")
    if not item.weight.is_finite() or not 0 <= item.weight <= 1:
        raise AllocationError(f"allocations: weight of {symbol} is {item.weight}, expected a number from 0 to 1")
    return TargetWeight(symbol, item.weight)


def _merged(weights: Iterable[TargetWeight]) -> Mapping[str, Decimal]:
    merged: defaultdict[str, Decimal] = defaultdict(Decimal)
    for item in weights:
        merged[item.symbol] += item.weight
    return merged


def _fitted(weights: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    total = sum(weights.values(), Decimal(0))
    if abs(total - 1) > SUM_TOLERANCE:
        raise AllocationError(f"allocations: weights sum to {total}, expected 1 within {SUM_TOLERANCE}")
    if total <= 1:
        return weights
    return {symbol: cut(weight / total) for symbol, weight in weights.items()}
