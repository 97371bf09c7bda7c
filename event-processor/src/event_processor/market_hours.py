"""Whether every symbol of a plan trades now, and when all of them will."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from broker_connector_base import TradingHours, TradingSession
from event_processor.errors import HoursUnknown


@dataclass(frozen=True, slots=True)
class Open:
    """Every symbol trades now; `regular` is False when some do so only before or after regular hours."""

    regular: bool
    closes_at: datetime
    """When the first of the symbols stops trading."""


@dataclass(frozen=True, slots=True)
class ClosedUntil:
    """At least one symbol does not trade; at `opens_at` all will."""

    opens_at: datetime


MarketState = Open | ClosedUntil


def market_state(hours: Mapping[str, TradingHours], now: datetime, *, extended: bool) -> MarketState:
    """Where the market stands for all symbols together. Sessions are half-open: closed at the closing second.

    Args:
        hours: sessions of every symbol.
        now: the present moment, aware.
        extended: True to count pre-market and after-hours trading as open.

    Raises:
        HoursUnknown: no moment ahead is known at which all symbols trade.
    """
    regular = [symbol.regular for symbol in hours.values()]
    if _all_open(regular, now):
        return Open(regular=True, closes_at=_first_close(regular, now))
    if not extended:
        return ClosedUntil(_next_common_open(hours, regular, now))
    wider = [(*symbol.regular, *symbol.extended) for symbol in hours.values()]
    if _all_open(wider, now):
        return Open(regular=False, closes_at=_first_close(wider, now))
    return ClosedUntil(_next_common_open(hours, wider, now))


def _all_open(calendars: Sequence[Sequence[TradingSession]], moment: datetime) -> bool:
    return all(any(session.contains(moment) for session in sessions) for sessions in calendars)


def _first_close(calendars: Sequence[Sequence[TradingSession]], now: datetime) -> datetime:
    """The moment until which all stay open; `now` itself when there is no symbol."""
    closes = [max(session.closes_at for session in sessions if session.contains(now)) for sessions in calendars]
    return min(closes, default=now)


def _next_common_open(
    hours: Mapping[str, TradingHours], calendars: Sequence[Sequence[TradingSession]], now: datetime
) -> datetime:
    """The first opening after now at which all are open: all are open together first when the last of them opens."""
    openings = sorted({session.opens_at for sessions in calendars for session in sessions if session.opens_at > now})
    for moment in openings:
        if _all_open(calendars, moment):
            return moment
    raise HoursUnknown(f"no coming session is known in which all of {', '.join(sorted(hours))} trade")
