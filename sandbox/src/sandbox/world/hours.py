"""When markets trade: sessions of a day, open or not, and the brokerage's text for both."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sandbox.world.holidays import NYSE_EARLY_CLOSES, NYSE_HOLIDAYS
from sandbox.world.spec import HoursSpec, InstrumentSpec

DAYS_SHOWN = 6
"""How many days of hours a contract's details tell, today included."""

_LOOK_AHEAD_DAYS = 10
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Session:
    """A half-open span of trading; both ends are aware of the market's time zone."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


class Calendar:
    """The sessions of one market. `extended` means the hours outside the regular session too."""

    def __init__(self, spec: HoursSpec) -> None:
        self.spec = spec
        self._zone = ZoneInfo(spec.time_zone)

    def local(self, moment: datetime) -> datetime:
        """The moment on the market's own clock."""
        return moment.astimezone(self._zone)

    def is_open(self, now: datetime, *, extended: bool = False) -> bool:
        return self.session_at(now, extended=extended) is not None

    def session_at(self, now: datetime, *, extended: bool = False) -> Session | None:
        """The session that this moment falls into."""
        return next((session for session in self._around(now, extended=extended) if now in session), None)

    def next_open(self, now: datetime) -> datetime | None:
        """When the next regular session starts; None when none does in the days ahead."""
        return min((session.start for session in self._around(now) if session.start > now), default=None)

    def next_bell(self, now: datetime) -> datetime | None:
        """The next start or end of any session."""
        sessions = [*self._around(now), *self._around(now, extended=True)]
        bells = (bell for session in sessions for bell in (session.start, session.end) if bell > now)
        return min(bells, default=None)

    def ended_between(self, before: datetime, now: datetime, *, extended: bool = False) -> bool:
        """Whether a session ended after `before`, at the latest now."""
        return any(before < session.end <= now for session in self._around(before, extended=extended))

    def text(self, now: datetime, *, extended: bool) -> str:
        """The hours in the brokerage's own words, `20261120:0930-20261120:1600;20261121:CLOSED`."""
        if self.spec.kind == "literal":
            return self.spec.trading_hours if extended else self.spec.liquid_hours
        today = self.local(now).date()
        days = (today + timedelta(days=offset) for offset in range(DAYS_SHOWN))
        return ";".join(_day_text(day, self._session_of(day, extended=extended)) for day in days)

    def _around(self, now: datetime, *, extended: bool = False) -> Iterator[Session]:
        if self.spec.kind == "literal":
            yield from self._parsed(self.spec.trading_hours if extended else self.spec.liquid_hours)
            return
        first = self.local(now).date() - timedelta(days=1)
        for offset in range(_LOOK_AHEAD_DAYS + 1):
            session = self._session_of(first + timedelta(days=offset), extended=extended)
            if session:
                yield session

    def _session_of(self, day: date, *, extended: bool) -> Session | None:
        if self.spec.kind == "always":
            return self._span(day, time(), day + timedelta(days=1), time())
        if self.spec.kind == "nyse":
            return self._nyse_session(day, extended=extended)
        return None

    def _nyse_session(self, day: date, *, extended: bool) -> Session | None:
        holidays = NYSE_HOLIDAYS if self.spec.holidays is None else self.spec.holidays
        early_closes = NYSE_EARLY_CLOSES if self.spec.early_closes is None else self.spec.early_closes
        if day.weekday() >= _SATURDAY or day in holidays:
            return None
        close = early_closes.get(day)
        if extended:
            return self._span(day, time(4), day, time(17) if close else time(20))
        return self._span(day, time(9, 30), day, close or time(16))

    def _span(self, first: date, start: time, last: date, end: time) -> Session:
        return Session(datetime.combine(first, start, self._zone), datetime.combine(last, end, self._zone))

    def _parsed(self, text: str) -> Iterator[Session]:
        for part in text.split(";"):
            start, dash, end = part.partition("-")
            if dash:
                yield Session(self._moment(start), self._moment(end))

    def _moment(self, text: str) -> datetime:
        return datetime.strptime(text, "%Y%m%d:%H%M").replace(tzinfo=self._zone)


def _day_text(day: date, session: Session | None) -> str:
    if session is None:
        return f"{day:%Y%m%d}:CLOSED"
    return f"{session.start:%Y%m%d:%H%M}-{session.end:%Y%m%d:%H%M}"


class TradingHours:
    """The calendar of each instrument: its own, or that of the world."""

    def __init__(self, default: HoursSpec, instruments: tuple[InstrumentSpec, ...]) -> None:
        self._default = Calendar(default)
        self._own = {spec.con_id: Calendar(spec.hours) for spec in instruments if spec.hours}

    def of(self, spec: InstrumentSpec) -> Calendar:
        return self._own.get(spec.con_id, self._default)

    def change(self, hours: HoursSpec, con_id: int | None = None) -> None:
        """Set the hours of one instrument, or of the world, which also drops the instruments' own."""
        if con_id is None:
            self._default = Calendar(hours)
            self._own.clear()
        else:
            self._own[con_id] = Calendar(hours)
