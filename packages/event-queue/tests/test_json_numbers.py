"""Numbers of JSON text as Python keeps them."""

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_queue.json_numbers import TooSmall, read_float, read_integer


def read(text: str) -> Any:
    return json.loads(text, parse_int=read_integer, parse_float=read_float)


@pytest.mark.parametrize("text", ["1e-400", "-1E-400", "2e-324", "0." + "0" * 60_000 + "1", "9.99e-999999999999"])
def test_a_number_that_would_become_zero_is_marked(text: str) -> None:
    """It is not zero, and nothing else could tell."""
    assert isinstance(read(text), TooSmall)


@pytest.mark.parametrize("text", ["0.0", "-0.0", "0e5", "0.000E-999", "0e-400"])
def test_zero_is_zero(text: str) -> None:
    """However it is written; its sign stays."""
    number = read(text)

    assert not isinstance(number, TooSmall)
    assert number == 0
    assert math.copysign(1, number) == (-1 if text.startswith("-") else 1)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_a_float_can_hold_is_kept(number: float) -> None:
    """The smallest and the largest included."""
    assert read(repr(number)) == number
    assert not isinstance(read(repr(number)), TooSmall)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_number_becomes_zero_unmarked(number: Decimal) -> None:
    """Of any size, written in any way that JSON has."""
    told = read(str(number).lower())

    assert bool(number) == (bool(told) or isinstance(told, TooSmall))


@pytest.mark.parametrize("digits", [1, 300, 4000])
def test_an_integer_is_kept_digit_for_digit(digits: int) -> None:
    """As far as Python reads them."""
    assert read("7" * digits) == int("7" * digits)


def test_an_endless_integer_is_one_that_no_payload_takes() -> None:
    """Python's own error would not say in which field it stands."""
    assert read("9" * 5000) > 10**3000
