"""How numbers are rounded, in one place.

Fractional shares and computed weights are cut to a fixed grid. That makes later subtractions exact, so that planning
again after a fill meets the very same numbers, and it keeps sums of computed parts from exceeding the whole.
"""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal

CONTEXT = Context(prec=50, rounding=ROUND_HALF_EVEN)
"""Used for every calculation instead of the thread's own, so that a caller's context cannot change a plan."""

_GRID = Decimal("1e-12")
_HALF = Decimal("0.5")


def cut(value: Decimal) -> Decimal:
    """The value without what lies beyond twelve decimals, toward zero."""
    return value.quantize(_GRID, rounding=ROUND_DOWN, context=CONTEXT)


def shares_to_trade(difference: Decimal) -> int:
    """Whole shares nearest to a difference, with its sign; 0 unless more than half a share is missing.

    Ties go to the even number of shares, as everywhere in Decimal.
    """
    if abs(difference) <= _HALF:
        return 0
    return int(difference.quantize(Decimal(1), rounding=ROUND_HALF_EVEN, context=CONTEXT))
