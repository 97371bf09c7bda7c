"""The guard against being marked as a pattern day trader: one rebalance a day, or the broker's own count."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

from broker_connector_base import AccountSnapshot, TradingHours
from event_queue.outcomes import LastTrade
from service_runtime.accounts import AccountConfig, PdtMode

EXCHANGE_ZONE: Final = ZoneInfo("America/New_York")
"""Where the days are counted in which US stocks trade."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The account may not be traded now; nothing was touched."""

    reason: str
    next_allowed: datetime | None
    """Start of the next day's trading; None when the brokerage did not tell it."""


def trading_day(moment: datetime) -> date:
    """The exchange's day at a moment."""
    return moment.astimezone(EXCHANGE_ZONE).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTradingGuard:
    """The rule of one account for one event; an event that has traded today may always be finished."""

    account: AccountConfig
    event_id: UUID
    last: LastTrade | None
    """The account's latest trading day."""
    known_refs: Collection[str] = ()
    """References of the account's open orders and of today's executions."""

    def check(self, snapshot: AccountSnapshot, hours: Mapping[str, TradingHours], now: datetime) -> Blocked | None:
        """Why the account may not be traded now, None when it may."""
        reason = self._reason(snapshot, trading_day(now))
        return None if reason is None else Blocked(reason, _next_day_opens_at(hours, now))

    def _reason(self, snapshot: AccountSnapshot, today: date) -> str | None:
        traded = self._traded_on(today)
        if not self.account.pdt_protection_enabled or (traded is not None and traded.event_id == self.event_id):
            return None
        name = self.account.account_id
        match self.account.pdt_mode:
            case PdtMode.ONCE_PER_DAY if traded is not None:
                return f"account {name} was rebalanced on {today} already, by event {traded.event_id}"
            case PdtMode.DAY_TRADES_REMAINING if snapshot.day_trades_remaining is None:
                return f"the brokerage does not report how many day trades are left on account {name}"
            case PdtMode.DAY_TRADES_REMAINING if snapshot.day_trades_remaining == 0:
                return f"the brokerage reports no day trade left on account {name}"
            case PdtMode.ONCE_PER_DAY | PdtMode.DAY_TRADES_REMAINING:
                return None
            case _:
                assert_never(self.account.pdt_mode)

    def _traded_on(self, today: date) -> LastTrade | None:
        """The trade that uses the day up; orders for the close that were cancelled before it do not."""
        last = self.last
        if last is None or last.trading_day != today:
            return None
        has_trace = any(ref.startswith(f"{last.event_id}:") for ref in self.known_refs)
        return last if has_trace or not last.is_expected else None


def _next_day_opens_at(hours: Mapping[str, TradingHours], now: datetime) -> datetime | None:
    """The opening of a later day that is the last among the symbols' first ones: then all trade again."""
    today = trading_day(now)
    openings = [
        min((session.opens_at for session in symbol.regular if trading_day(session.opens_at) > today), default=None)
        for symbol in hours.values()
    ]
    return max((opening for opening in openings if opening is not None), default=None)
