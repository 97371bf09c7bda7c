"""Sessions, holidays, early closes, and their text."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sandbox.world import HoursSpec
from sandbox.world.hours import Calendar

EASTERN = ZoneInfo("US/Eastern")


def calendar(**spec: Any) -> Calendar:
    """The calendar of one market."""
    return Calendar(HoursSpec.model_validate(spec))


def eastern(month: int, day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A moment of 2026 in New York."""
    return datetime(2026, month, day, hour, minute, second, tzinfo=EASTERN)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (eastern(11, 20, 9, 29, 59), False),
        (eastern(11, 20, 9, 30), True),
        (eastern(11, 20, 15, 59, 59), True),
        (eastern(11, 20, 16), False),
        (eastern(11, 21, 12), False),
        (eastern(11, 26, 12), False),
        (eastern(11, 27, 12, 59, 59), True),
        (eastern(11, 27, 13), False),
    ],
)
def test_the_exchange_is_open_in_its_half_open_sessions(moment: datetime, is_open: bool) -> None:
    """Opening included, close excluded, weekends and holidays closed, early closes early."""
    assert calendar(kind="nyse").is_open(moment) is is_open


def test_extended_hours_surround_the_regular_ones() -> None:
    """From 04:00 to 20:00."""
    nyse = calendar(kind="nyse")

    assert nyse.is_open(eastern(11, 20, 4), extended=True)
    assert not nyse.is_open(eastern(11, 20, 20), extended=True)


def test_the_next_opening_skips_weekends_and_holidays() -> None:
    """From Wednesday evening before Thanksgiving to Friday morning; in winter time that is 14:30 in Greenwich."""
    opening = calendar(kind="nyse").next_open(eastern(11, 25, 18))

    assert opening == datetime(2026, 11, 27, 14, 30, tzinfo=UTC)


def test_the_text_is_that_of_the_brokerage() -> None:
    """Six days, closed ones by name."""
    text = calendar(kind="nyse").text(eastern(11, 25, 10), extended=False)

    assert text == (
        "20261125:0930-20261125:1600;20261126:CLOSED;20261127:0930-20261127:1300;"
        "20261128:CLOSED;20261129:CLOSED;20261130:0930-20261130:1600"
    )


def test_an_always_open_market_has_no_gap() -> None:
    """Midnight included."""
    always = calendar(kind="always")

    assert always.is_open(eastern(11, 21, 23, 59, 59))
    assert always.is_open(eastern(11, 22, 0))
    assert always.text(eastern(11, 21, 12), extended=False).startswith("20261121:0000-20261122:0000;")


def test_a_closed_market_never_opens() -> None:
    """And says so for every day."""
    closed = calendar(kind="closed")

    assert closed.next_open(eastern(11, 20, 12)) is None
    assert closed.text(eastern(11, 20, 12), extended=True).count("CLOSED") == 6


def test_own_holidays_and_early_closes_replace_the_known_ones() -> None:
    """For tests on any day."""
    own = calendar(kind="nyse", holidays=["2026-11-20"], early_closes={"2026-11-23": "12:00"})

    assert not own.is_open(eastern(11, 20, 12))
    assert not own.is_open(eastern(11, 23, 12))
    assert own.is_open(eastern(11, 26, 12))


def test_literal_hours_are_read_back() -> None:
    """Sessions may span midnight."""
    text = "20261119:1800-20261120:1700;20261121:CLOSED"
    literal = calendar(kind="literal", trading_hours=text, liquid_hours=text)

    assert literal.is_open(eastern(11, 20, 3))
    assert literal.next_bell(eastern(11, 20, 3)) == eastern(11, 20, 17)
    assert not literal.is_open(eastern(11, 20, 17))
