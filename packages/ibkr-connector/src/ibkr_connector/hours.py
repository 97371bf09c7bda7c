"""Trading hours: the gateway's text to sessions in UTC.

The text lists days, `20261120:0930-20261120:1600;20261121:CLOSED`, in the exchange's own time zone; a day may have
several sessions, `20261120:0930-1200,1300-1600`, with or without the date of their end. Early closes are shorter
sessions, holidays are CLOSED.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ib_async import ContractDetails

from broker_connector_base import BrokerAPIError, TradingHours, TradingSession

_CLOSED: Final = "CLOSED"

_ZONES: Final = {
    "EST": "America/New_York",
    "EDT": "America/New_York",
    "EST5EDT": "America/New_York",
    "EASTERN STANDARD TIME": "America/New_York",
    "EST (EASTERN STANDARD TIME)": "America/New_York",
    "US/EASTERN": "America/New_York",
    "CST": "America/Chicago",
    "CST6CDT": "America/Chicago",
    "CENTRAL STANDARD TIME": "America/Chicago",
    "CST (CENTRAL STANDARD TIME)": "America/Chicago",
    "US/CENTRAL": "America/Chicago",
    "MST7MDT": "America/Denver",
    "MOUNTAIN STANDARD TIME": "America/Denver",
    "US/MOUNTAIN": "America/Denver",
    "PST8PDT": "America/Los_Angeles",
    "PACIFIC STANDARD TIME": "America/Los_Angeles",
    "US/PACIFIC": "America/Los_Angeles",
}
"""Names that some time zone databases lack, or that mean a fixed offset there and daylight saving here."""


def trading_hours(symbol: str, details: ContractDetails) -> TradingHours:
    """Sessions of one symbol; liquid hours are the regular ones.

    Raises:
        BrokerAPIError: the hours or their time zone cannot be read.
    """
    try:
        zone = find_zone(details.timeZoneId)
        regular = parse_sessions(details.liquidHours, zone)
        extended = parse_sessions(details.tradingHours, zone)
    except (ValueError, OverflowError) as error:
        raise BrokerAPIError(f"trading hours of {symbol} cannot be read: {error}") from error
    return TradingHours(symbol=symbol, regular=regular, extended=extended)


def find_zone(name: str) -> ZoneInfo:
    """The time zone of this name, also of names that are older than the database.

    Raises:
        ValueError: there is none.
    """
    try:
        return ZoneInfo(_ZONES.get(name.strip().upper(), name.strip()))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}") from error


def parse_sessions(text: str, zone: ZoneInfo) -> tuple[TradingSession, ...]:
    """Sessions of all days in the text, in time order, without duplicates.

    Raises:
        ValueError: a part is neither a session nor CLOSED.
    """
    days = (day.strip() for day in text.split(";"))
    sessions = {session.opens_at: session for day in days if day for session in _parse_day(day, zone)}
    return tuple(sessions[opens_at] for opens_at in sorted(sessions))


def _parse_day(text: str, zone: ZoneInfo) -> list[TradingSession]:
    day_text, _, hours = text.partition(":")
    day = _parse_date(day_text)
    if hours.strip().upper() == _CLOSED:
        return []
    return [_parse_session(part.strip(), day, zone) for part in hours.split(",")]


def _parse_session(text: str, day: date, zone: ZoneInfo) -> TradingSession:
    start_text, dash, end_text = text.partition("-")
    if not dash:
        raise ValueError(f"not a session: {text!r}")
    start, end = _parse_moment(start_text, day), _parse_moment(end_text, day)
    if end <= start:
        end += timedelta(days=1)
    return TradingSession(opens_at=_utc(start, zone), closes_at=_utc(end, zone))


def _parse_moment(text: str, day: date) -> datetime:
    """`0930` on the given day, or `20261120:0930` on its own."""
    day_text, colon, clock = text.rpartition(":")
    digits = clock.strip()
    if len(digits) != len("0930") or not digits.isdecimal():
        raise ValueError(f"not a time of day: {text!r}")
    hours, minutes = int(digits[:2]), int(digits[2:])
    midnight = datetime.combine(_parse_date(day_text) if colon else day, time())
    return midnight + timedelta(hours=hours, minutes=minutes)


def _parse_date(text: str) -> date:
    digits = text.strip()
    if len(digits) != len("20261120") or not digits.isdecimal():
        raise ValueError(f"not a date: {text!r}")
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))


def _utc(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)
