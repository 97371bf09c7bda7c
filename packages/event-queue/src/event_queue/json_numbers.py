"""Numbers of JSON text that Python would change, marked instead of changed, so that their field can be named.

For the two hooks of `json.loads`: a number with more digits than Python reads raises there without saying where it
stands, and one that is too small for a float silently becomes zero. Within its range a float keeps the 15 to 17
significant digits that nearly every writer and reader of JSON keeps.
"""

from typing import Final

_MOST_DIGITS: Final = 4000
"""Python itself refuses to read 4,300."""
_TOO_LARGE: Final = 10**_MOST_DIGITS


class TooSmall(float):
    """Zero in the place of a number that is not zero, and smaller than any float."""


def read_integer(digits: str) -> int:
    """The number; of one that is too long to be read, one that no payload and no field takes."""
    return int(digits) if len(digits) <= _MOST_DIGITS else _TOO_LARGE


def read_float(text: str) -> float:
    """The number nearest to it, infinite beyond the largest; `TooSmall` for what would become zero."""
    value = float(text)
    return TooSmall() if not value and _is_anything(text) else value


def _is_anything(text: str) -> bool:
    """Whether a digit before the exponent is more than zero."""
    return any(digit in "123456789" for digit in text.lower().partition("e")[0])
