"""The gateway's text of trading hours, read into sessions."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from ib_async import ContractDetails

from broker_connector_base import BrokerAPIError
from ibkr_connector.hours import find_zone, parse_sessions, trading_hours

NEW_YORK = ZoneInfo("America/New_York")


def _spans(text: str, zone: ZoneInfo = NEW_YORK) -> list[tuple[str, str]]:
    sessions = parse_sessions(text, zone)
    return [(f"{each.opens_at:%m-%d %H:%M}", f"{each.closes_at:%m-%d %H:%M}") for each in sessions]


def test_both_spellings_mean_the_same() -> None:
    """The end may carry its date or not."""
    with_date = "20261120:0930-20261120:1600"
    without_date = "20261120:0930-1600"

    assert _spans(with_date) == _spans(without_date) == [("11-20 14:30", "11-20 21:00")]


def test_closed_days_have_no_session() -> None:
    """Holidays and weekends are CLOSED, and absent."""
    text = "20261126:CLOSED;20261127:0930-20261127:1300;20261128:CLOSED"

    assert _spans(text) == [("11-27 14:30", "11-27 18:00")]


def test_a_day_may_have_several_sessions() -> None:
    """A lunch break splits a day; the second part may repeat the date or not."""
    short = "20261120:0930-1200,1300-1600"
    long = "20261120:0930-20261120:1200,20261120:1300-20261120:1600"

    assert _spans(short) == _spans(long) == [("11-20 14:30", "11-20 17:00"), ("11-20 18:00", "11-20 21:00")]


def test_a_session_may_end_the_next_day() -> None:
    """An end that is not after its start belongs to the following day, and 2400 is midnight."""
    assert _spans("20261119:2000-0400") == [("11-20 01:00", "11-20 09:00")]
    assert _spans("20261119:2000-20261120:0400") == [("11-20 01:00", "11-20 09:00")]
    assert _spans("20261120:0000-2400") == [("11-20 05:00", "11-21 05:00")]


def test_daylight_saving_moves_the_sessions() -> None:
    """09:30 in New York is 13:30 UTC in summer and 14:30 in winter, on either side of the change."""
    text = "20261030:0930-20261030:1600;20261102:0930-20261102:1600"

    assert _spans(text) == [("10-30 13:30", "10-30 20:00"), ("11-02 14:30", "11-02 21:00")]


def test_days_are_put_in_order_and_told_once() -> None:
    """Order and repetition in the text do not matter; empty parts are nothing."""
    text = "20261123:0930-1600;;20261120:0930-1600; 20261120:0930-1600 ;"

    assert _spans(text) == [("11-20 14:30", "11-20 21:00"), ("11-23 14:30", "11-23 21:00")]


def test_no_text_is_no_session() -> None:
    """A contract without hours is never open."""
    assert parse_sessions("", NEW_YORK) == ()


def test_sessions_are_half_open() -> None:
    """09:30:00 is open, 16:00:00 is closed."""
    (session,) = parse_sessions("20261120:0930-1600", NEW_YORK)

    assert session.contains(datetime(2026, 11, 20, 14, 30, tzinfo=UTC))
    assert not session.contains(datetime(2026, 11, 20, 14, 29, 59, tzinfo=UTC))
    assert session.contains(datetime(2026, 11, 20, 20, 59, 59, tzinfo=UTC))
    assert not session.contains(datetime(2026, 11, 20, 21, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    "name",
    [
        "US/Eastern",
        "America/New_York",
        "EST5EDT",
        "EST",
        "Eastern Standard Time",
        "EST (Eastern Standard Time)",
        " us/eastern ",
    ],
)
def test_new_york_has_many_names(name: str) -> None:
    """Every name that the gateway has used means New York with its daylight saving."""
    (summer,) = parse_sessions("20260701:0930-1600", find_zone(name))

    assert summer.opens_at == datetime(2026, 7, 1, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "20261120",
        "20261120:",
        "20261120:0930",
        "20261120:9:30-16:00",
        "2026112:0930-1600",
        "20261320:0930-1600",
    ],
)
def test_what_is_no_session_is_an_error(text: str) -> None:
    """Text that cannot be read is never read as closed."""
    with pytest.raises(ValueError, match=r"not a|month"):
        parse_sessions(text, NEW_YORK)


@pytest.mark.parametrize("name", ["", "Atlantis/Capital", "../etc/passwd"])
def test_an_unknown_zone_is_an_error(name: str) -> None:
    """Hours in an unknown time zone mean nothing."""
    with pytest.raises(ValueError, match="unknown time zone"):
        find_zone(name)


def test_liquid_hours_are_the_regular_ones() -> None:
    """Regular sessions come from the liquid hours, extended ones from the trading hours."""
    details = ContractDetails(
        timeZoneId="US/Eastern", liquidHours="20261120:0930-1600", tradingHours="20261120:0400-2000"
    )

    hours = trading_hours("SPY", details)

    assert hours.regular[0].opens_at == datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    assert hours.extended[0].opens_at == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def test_errors_name_the_symbol() -> None:
    """Hours that cannot be read are the broker's answer gone wrong."""
    with pytest.raises(BrokerAPIError, match="SPY"):
        trading_hours("SPY", ContractDetails(timeZoneId="Nowhere"))
