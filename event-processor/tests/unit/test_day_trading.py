"""Whether an account may be traded again today."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from broker_connector_base import AccountSnapshot, TradingHours, TradingSession
from event_processor.rebalancer import trading_day
from event_processor.rebalancer.day_trading import Blocked, DayTradingGuard
from event_processor.testing.scenario import ACCOUNT, EVENT_ID, NEXT_OPENING, NOON, REGULAR
from event_processor.testing.worker_world import account_config
from event_queue.outcomes import LastTrade
from service_runtime.accounts import PdtMode

OTHER = UUID("22222222-2222-4222-8222-222222222222")
TODAY = date(2099, 3, 2)
HOURS = {"AAA": TradingHours(symbol="AAA", regular=REGULAR, extended=())}


def _snapshot(day_trades_remaining: int | None = None) -> AccountSnapshot:
    return AccountSnapshot(
        account_id=ACCOUNT,
        net_liquidation=Decimal(1),
        cash=Decimal(1),
        settled_cash=Decimal(1),
        is_cash_account=False,
        positions=(),
        taken_at=NOON,
        day_trades_remaining=day_trades_remaining,
    )


def _guard(
    last: LastTrade | None, *refs: str, mode: PdtMode = PdtMode.ONCE_PER_DAY, enabled: bool = True
) -> DayTradingGuard:
    account = account_config(ACCOUNT).model_copy(update={"pdt_protection_enabled": enabled, "pdt_mode": mode})
    return DayTradingGuard(account=account, event_id=EVENT_ID, last=last, known_refs=refs)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 7, 1, 3, 59, 59, tzinfo=UTC), date(2026, 6, 30)),
        (datetime(2026, 7, 1, 4, 0, 0, tzinfo=UTC), date(2026, 7, 1)),
        (datetime(2026, 12, 1, 4, 59, 59, tzinfo=UTC), date(2026, 11, 30)),
        (datetime(2026, 12, 1, 5, 0, 0, tzinfo=UTC), date(2026, 12, 1)),
    ],
)
def test_days_are_counted_in_new_york(moment: datetime, day: date) -> None:
    """Midnight there is four hours behind UTC in summer and five in winter."""
    assert trading_day(moment) == day


def test_another_event_of_the_day_blocks() -> None:
    """Until the next day's opening."""
    blocked = _guard(LastTrade(TODAY, OTHER)).check(_snapshot(), HOURS, NOON)

    assert isinstance(blocked, Blocked)
    assert blocked.next_allowed == NEXT_OPENING
    assert str(OTHER) in blocked.reason


@pytest.mark.parametrize("last", [None, LastTrade(TODAY - timedelta(days=1), OTHER), LastTrade(TODAY, EVENT_ID)])
def test_no_trade_an_earlier_day_and_the_same_event_do_not_block(last: LastTrade | None) -> None:
    """A retry may finish what it began."""
    assert _guard(last).check(_snapshot(), HOURS, NOON) is None


def test_without_the_protection_nothing_blocks() -> None:
    """It is off unless the account asks for it."""
    assert _guard(LastTrade(TODAY, OTHER), enabled=False).check(_snapshot(0), HOURS, NOON) is None


@pytest.mark.parametrize(("remaining", "blocks"), [(0, True), (1, False), (-1, False), (None, True)])
def test_the_brokers_count_blocks_at_zero_and_when_it_is_missing(remaining: int | None, *, blocks: bool) -> None:
    """-1 is any number; a count that is not told is no leave to trade."""
    guard = _guard(LastTrade(TODAY, OTHER), mode=PdtMode.DAY_TRADES_REMAINING)

    assert (guard.check(_snapshot(remaining), HOURS, NOON) is not None) is blocks


def test_all_symbols_must_trade_again() -> None:
    """The last of their first openings counts; without one nobody can tell."""
    late = TradingSession(opens_at=NEXT_OPENING + timedelta(hours=1), closes_at=NEXT_OPENING + timedelta(hours=2))
    hours = {**HOURS, "BBB": TradingHours(symbol="BBB", regular=(late,), extended=())}
    guard = _guard(LastTrade(TODAY, OTHER))

    later, unknown = guard.check(_snapshot(), hours, NOON), guard.check(_snapshot(), {}, NOON)

    assert later is not None
    assert later.next_allowed == NEXT_OPENING + timedelta(hours=1)
    assert unknown is not None
    assert unknown.next_allowed is None


@pytest.mark.parametrize(
    ("refs", "blocks"),
    [((f"{OTHER}:1:BUY:AAA",), True), ((f"{EVENT_ID}:1:BUY:AAA",), False), (("by hand",), False), ((), False)],
)
def test_an_expected_trade_blocks_while_there_is_a_trace_of_it(refs: tuple[str, ...], *, blocks: bool) -> None:
    """Orders that were cancelled before the close, unfilled, use no day up; open or executed ones do."""
    expected = LastTrade(TODAY, OTHER, is_expected=True)

    blocked = _guard(expected, *refs).check(_snapshot(), HOURS, NOON)

    assert isinstance(blocked, Blocked) is blocks
