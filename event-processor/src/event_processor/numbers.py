"""Decimals as numbers of JSON."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

CENTS: Final = 2
PRICE_DIGITS: Final = 4
SHARE_DIGITS: Final = 4
PERCENT_DIGITS: Final = 3


def number(value: Decimal, digits: int) -> float:
    """The value rounded half-even to `digits` decimals.

    A float's shortest text has up to 15 significant digits exactly as given, so amounts below ten trillion dollars
    are written in JSON with the digits that the rounded Decimal has.
    """
    return float(value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN))


def money(value: Decimal) -> float:
    """US dollars and cents."""
    return number(value, CENTS)


def price(value: Decimal) -> float:
    """US dollars per share."""
    return number(value, PRICE_DIGITS)


def shares(value: Decimal) -> float:
    """A quantity, possibly fractional."""
    return number(value, SHARE_DIGITS)


def percent(value: Decimal) -> float:
    """A fraction of 1 as a percentage."""
    return number(value * 100, PERCENT_DIGITS)
