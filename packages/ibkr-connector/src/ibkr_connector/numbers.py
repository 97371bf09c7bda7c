"""Numbers and times of the gateway: each is looked at here before anybody reckons with it.

A float on the wire may be NaN, infinite, or the 1.797e308 by which the gateway says that it has none. None of them is
ever a number for us. What may be missing is None then; what may not is a `Senseless` error, which makes the message
one that could not be decoded: it counts as lost for the account that it is about, and is told with its words.
"""

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from ibkr_connector.messages import OrderKey

_SMALLEST_FRACTION: Final = Decimal("0.000001")
_DUST: Final = Decimal("1e-12")
BEYOND: Final = Decimal(10**15)
"""No price, quantity or amount, but the gateway's way to leave one out, or an error."""

_CLOCKS_APART: Final = timedelta(days=1)
_LONG_AGO: Final = timedelta(days=366)


class Senseless(ValueError):
    """A number or time that cannot be; `order` names whose it is where the message names no account."""

    def __init__(self, what: str, told: object, order: OrderKey | None = None) -> None:
        """Say what was told."""
        super().__init__(f"{what} cannot be {str(told)[:60]!r}")
        self.order = order


def to_decimal(number: float | Decimal | str) -> Decimal:
    """The number as written, without binary dust; whole numbers without a fraction.

    Raises:
        Senseless: it is no number, or not a finite one.
    """
    value = _finite(number)
    if value is None:
        raise Senseless("a number", number)
    return Decimal(int(value)) if value == value.to_integral_value() else value


def known_number(number: float | Decimal | str) -> Decimal | None:
    """The number, None where the gateway has none: empty, not finite, 1.797e308, or more than there can be."""
    value = _finite(number)
    if value is None or abs(value) >= BEYOND:
        return None
    return to_decimal(value) if abs(value) >= _DUST else Decimal(0)


def require_number(what: str, number: float | Decimal | str) -> Decimal:
    """The number, which must be there.

    Raises:
        Senseless: the gateway has none.
    """
    value = known_number(number)
    if value is None:
        raise Senseless(what, number)
    return value


def to_shares(number: float | Decimal | str, what: str = "the quantity") -> Decimal:
    """A quantity of shares to six decimals, finer than any fraction that a brokerage books.

    What is left of sums in binary floating point, such as 0.5999999999999996 shares, would never agree with itself.

    Raises:
        Senseless: the gateway has none.
    """
    return to_decimal(require_number(what, number).quantize(_SMALLEST_FRACTION))


def shares_or_beyond(what: str, number: float | Decimal | str) -> Decimal:
    """Such a quantity, or `BEYOND` where the gateway leaves it out by a huge one.

    Raises:
        Senseless: it is negative, or not a finite number.
    """
    value = _finite(number)
    if value is None or value < 0:
        raise Senseless(what, number)
    return to_shares(value) if value < BEYOND else BEYOND


def require_recent(what: str, moment: datetime, now: datetime) -> None:
    """Accept what may have happened lately, whatever the clocks say.

    Raises:
        Senseless: it lies more than a day ahead or a year back.
    """
    if not now - _LONG_AGO <= moment <= now + _CLOCKS_APART:
        raise Senseless(what, moment)


def _finite(number: float | Decimal | str) -> Decimal | None:
    try:
        value = Decimal(str(number))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
