"""Open, closed, and when it opens."""

from datetime import UTC, datetime, timedelta

import pytest

from broker_connector_base import TradingHours, TradingSession
from event_processor.errors import HoursUnknown
from event_processor.market_hours import ClosedUntil, Open, market_state

FRIDAY = datetime(2026, 7, 3, tzinfo=UTC)
MONDAY = FRIDAY + timedelta(days=3)


def _session(day: datetime, start: float, end: float) -> TradingSession:
    return TradingSession(opens_at=day + timedelta(hours=start), closes_at=day + timedelta(hours=end))


def _stock(symbol: str, *, friday_close: float = 17) -> TradingHours:
    """Regular 14:30 UTC to the close (an early one on the Friday); extended from 9:00 to midnight."""
    return TradingHours(
        symbol=symbol,
        regular=(_session(FRIDAY, 14.5, friday_close), _session(MONDAY, 14.5, 21)),
        extended=(_session(FRIDAY, 9, 21), _session(MONDAY, 9, 24)),
    )


HOURS = {"AAA": _stock("AAA"), "BBB": _stock("BBB")}


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        (FRIDAY + timedelta(hours=14.5), Open(regular=True, closes_at=FRIDAY + timedelta(hours=17))),
        (FRIDAY + timedelta(hours=17, microseconds=-1), Open(regular=True, closes_at=FRIDAY + timedelta(hours=17))),
        (FRIDAY + timedelta(hours=17), ClosedUntil(MONDAY + timedelta(hours=14.5))),
        (FRIDAY + timedelta(hours=14.5, seconds=-1), ClosedUntil(FRIDAY + timedelta(hours=14.5))),
        (FRIDAY + timedelta(days=1), ClosedUntil(MONDAY + timedelta(hours=14.5))),
    ],
)
def test_case_21_sessions_are_half_open(moment: datetime, state: Open | ClosedUntil) -> None:
    """Open at the opening second, closed at the closing one; Saturdays wait for Monday."""
    assert market_state(HOURS, moment, extended=False) == state


@pytest.mark.parametrize(
    ("hours", "state"),
    [
        (10, Open(regular=False, closes_at=FRIDAY + timedelta(hours=21))),
        (15, Open(regular=True, closes_at=FRIDAY + timedelta(hours=17))),
        (22, ClosedUntil(MONDAY + timedelta(hours=9))),
    ],
)
def test_extended_hours_count_when_allowed(hours: int, state: Open | ClosedUntil) -> None:
    """They are told apart from regular ones, which decide about the order's type."""
    assert market_state(HOURS, FRIDAY + timedelta(hours=hours), extended=True) == state


def test_all_symbols_must_be_open() -> None:
    """One that closed earlier closes the plan, until all are open again."""
    hours = {"AAA": _stock("AAA"), "BBB": _stock("BBB", friday_close=15)}

    state = market_state(hours, FRIDAY + timedelta(hours=16), extended=False)

    assert state == ClosedUntil(MONDAY + timedelta(hours=14.5))


def test_the_last_opening_counts() -> None:
    """Symbols that open at different times are open together when the last one opens."""
    late = TradingHours(symbol="CCC", regular=(_session(FRIDAY, 15, 17),), extended=())

    state = market_state({**HOURS, "CCC": late}, FRIDAY + timedelta(hours=14), extended=False)

    assert state == ClosedUntil(FRIDAY + timedelta(hours=15))


def test_unknown_hours_are_no_permission() -> None:
    """A symbol without a session ahead stops the run instead of being taken for open."""
    silent = TradingHours(symbol="CCC", regular=(), extended=())

    with pytest.raises(HoursUnknown, match="AAA, CCC"):
        market_state({"AAA": _stock("AAA"), "CCC": silent}, FRIDAY, extended=False)


def test_the_first_close_of_all_symbols_counts() -> None:
    """From then on not every order could be filled."""
    hours = {"AAA": _stock("AAA"), "BBB": _stock("BBB", friday_close=15)}

    state = market_state(hours, FRIDAY + timedelta(hours=14.75), extended=False)

    assert state == Open(regular=True, closes_at=FRIDAY + timedelta(hours=15))
