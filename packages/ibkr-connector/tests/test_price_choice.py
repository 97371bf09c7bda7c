"""Which price of a quote is believed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from broker_connector_base import PriceSource
from ibkr_connector.messages import DataTypeTold, ErrorTold, QuoteEnded, QuoteFactTold, TickTold
from ibkr_connector.price_choice import PriceLimits, Quote, choose_price, is_settled, why_none
from ibkr_connector.quotes import QuoteBoard, note_fact

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
LIMITS = PriceLimits(max_spread_percent=Decimal(1), max_last_age_seconds=900)
NAN = float("nan")


def _quote(ticks: dict[int, float], *, data_type: int = 1, sizes: float = 100, ended: bool = True) -> Quote:
    board = QuoteBoard(lambda: NOW)
    quote = board.open(7)
    board.take(DataTypeTold(7, data_type))
    for tick_type, price in ticks.items():
        board.take(TickTold(7, tick_type, price, sizes))
    if ended:
        board.take(QuoteEnded(7))
    return quote


@pytest.mark.parametrize(
    ("ticks", "data_type", "price", "source"),
    [
        ({1: 99.9, 2: 100.1, 4: 101, 9: 90}, 1, "100", PriceSource.LIVE_MID),
        ({1: 99.5, 2: 100.5}, 1, "100", PriceSource.LIVE_MID),
        ({1: 99.4, 2: 100.6, 4: 101}, 1, "101", PriceSource.LIVE_LAST),
        ({1: -1, 2: -1, 4: 101, 9: 90}, 1, "101", PriceSource.LIVE_LAST),
        ({1: 0, 2: 100, 4: 101}, 1, "101", PriceSource.LIVE_LAST),
        ({1: NAN, 2: 100, 4: 101}, 1, "101", PriceSource.LIVE_LAST),
        ({1: 100.2, 2: 100, 4: 101}, 1, "101", PriceSource.LIVE_LAST),
        ({66: 99.9, 67: 100.1, 68: 101}, 3, "100", PriceSource.DELAYED),
        ({66: 99.9, 67: 100.1, 68: 101}, 1, "100", PriceSource.DELAYED),
        ({68: 101, 75: 90}, 3, "101", PriceSource.DELAYED),
        ({1: 99.9, 2: 100.1, 4: 101}, 3, "100", PriceSource.DELAYED),
        ({1: 99.9, 2: 100.1, 4: 101}, 2, "100", PriceSource.DELAYED),
        ({4: 101, 68: 99}, 1, "101", PriceSource.LIVE_LAST),
        ({9: 90}, 1, "90", PriceSource.PREVIOUS_CLOSE),
        ({75: 90}, 3, "90", PriceSource.PREVIOUS_CLOSE),
    ],
)
def test_the_best_price_wins(ticks: dict[int, float], data_type: int, price: str, source: PriceSource) -> None:
    """Live mid before live last before delayed before the previous close; frozen data counts as delayed."""
    chosen = choose_price("SPY", _quote(ticks, data_type=data_type), LIMITS, allow_previous_close=True)

    assert chosen is not None
    assert (chosen.price, chosen.source, chosen.observed_at) == (Decimal(price), source, NOW)


@pytest.mark.parametrize(
    "ticks",
    [{}, {4: -1.0}, {4: 0.0}, {4: NAN}, {1: 100.0}, {1: 99.0, 2: 101.0}, {66: 99.0, 67: 101.0}, {9: -1.0}],
)
def test_no_price_is_no_price(ticks: dict[int, float]) -> None:
    """NaN, -1 and 0 are no prices, nor is one side of a quote or a wide one."""
    chosen = choose_price("SPY", _quote(ticks), LIMITS, allow_previous_close=True)

    assert chosen is None


def test_the_close_must_be_allowed() -> None:
    """Only previews may use yesterday's close."""
    chosen = choose_price("SPY", _quote({9: 90}), LIMITS, allow_previous_close=False)

    assert chosen is None


def test_a_bid_for_no_shares_is_none() -> None:
    """Bid and ask without a size are not firm; a last price needs none."""
    quote = _quote({1: 99.9, 2: 100.1, 4: 100.4}, sizes=0)

    chosen = choose_price("SPY", quote, LIMITS, allow_previous_close=False)

    assert chosen is not None
    assert chosen.source is PriceSource.LIVE_LAST


def test_a_withdrawn_price_is_gone() -> None:
    """-1 after a price takes the price back."""
    board = QuoteBoard(lambda: NOW)
    quote = board.open(7)
    board.take(TickTold(7, 4, 100.0, 5))
    board.take(TickTold(7, 4, -1.0, 0))

    assert choose_price("SPY", quote, LIMITS, allow_previous_close=True) is None


@pytest.mark.parametrize(
    ("ticks", "data_type", "settled"),
    [
        ({1: 99.9, 2: 100.1}, 1, True),
        ({1: 99.9}, 1, False),
        ({4: 100}, 1, False),
        ({9: 100}, 1, False),
        ({1: 90, 2: 110}, 1, False),
        ({1: 90, 2: 110, 4: 100}, 1, True),
        ({66: 99.9, 67: 100.1}, 1, False),
        ({66: 99.9, 67: 100.1}, 3, True),
        ({66: 99.9, 67: 100.1}, 4, True),
        ({1: 99.9, 2: 100.1}, 3, True),
        ({68: 100}, 3, False),
    ],
)
def test_waiting_ends_when_nothing_better_can_come(ticks: dict[int, float], data_type: int, settled: bool) -> None:
    """A good bid and ask are enough; a last price alone may still be bettered."""
    quote = _quote(ticks, data_type=data_type, ended=False)

    assert is_settled(quote, LIMITS) is settled


def test_waiting_ends_with_the_snapshot_or_its_failure() -> None:
    """The gateway's own end, or its refusal, ends the wait; a mere notice does not."""
    board = QuoteBoard(lambda: NOW)
    ended, failed, noticed = board.open(1), board.open(2), board.open(3)
    board.take(QuoteEnded(1))
    board.failed(ErrorTold(2, 354, "not subscribed"))
    board.failed(ErrorTold(3, 10167, "displaying delayed data"))

    states = [is_settled(quote, LIMITS) for quote in (ended, failed, noticed)]

    assert states == [True, True, False]
    assert failed.failure == "354: not subscribed"


def test_ticks_of_closed_requests_are_ignored() -> None:
    """A late tick changes nothing."""
    board = QuoteBoard(lambda: NOW)
    quote = board.open(1)
    board.close(1)
    board.take(TickTold(1, 4, 100.0, 1))
    board.take(TickTold(99, 4, 100.0, 1))

    assert quote.ticks == {}


@pytest.mark.parametrize("value", ["1", "2", "1.0"])
def test_a_halted_stock_has_no_present_price(value: str) -> None:
    """Tick 49 ends all trust in what is quoted; the previous close still serves previews."""
    quote = _quote({1: 99.9, 2: 100.1, 4: 101, 66: 99, 67: 99.1, 9: 90}, ended=False)
    _fact(quote, 49, value)

    live = choose_price("SPY", quote, LIMITS, allow_previous_close=False)
    preview = choose_price("SPY", quote, LIMITS, allow_previous_close=True)

    assert live is None
    assert why_none(quote, LIMITS) == "halted"
    assert is_settled(quote, LIMITS)
    assert preview is not None
    assert (preview.price, preview.source) == (90, PriceSource.PREVIOUS_CLOSE)


@pytest.mark.parametrize("value", ["0", "-1", "nonsense", ""])
def test_no_halt_is_no_halt(value: str) -> None:
    """0 means none, -1 not known; what cannot be read says nothing."""
    quote = _quote({1: 99.9, 2: 100.1})
    _fact(quote, 49, value)

    chosen = choose_price("SPY", quote, LIMITS, allow_previous_close=False)

    assert chosen is not None
    assert chosen.source is PriceSource.LIVE_MID


def test_a_halt_may_end() -> None:
    """The newest word counts."""
    quote = _quote({1: 99.9, 2: 100.1})
    _fact(quote, 49, "1")
    _fact(quote, 49, "0")

    assert choose_price("SPY", quote, LIMITS, allow_previous_close=False) is not None


@pytest.mark.parametrize(
    ("tick", "ticks", "data_type", "age_seconds", "source"),
    [
        (45, {4: 101}, 1, 900, PriceSource.LIVE_LAST),
        (45, {4: 101, 9: 90}, 1, 901, PriceSource.PREVIOUS_CLOSE),
        (45, {4: 101}, 1, 901, PriceSource.PREVIOUS_CLOSE),
        (45, {1: 99.9, 2: 100.1, 4: 101}, 1, 5000, PriceSource.LIVE_MID),
        (88, {68: 101}, 3, 900 + 1200, PriceSource.DELAYED),
        (88, {68: 101, 75: 90}, 3, 900 + 1201, PriceSource.PREVIOUS_CLOSE),
    ],
)
def test_an_old_last_price_is_no_present_price(
    tick: int, ticks: dict[int, float], data_type: int, age_seconds: int, source: PriceSource
) -> None:
    """A last trade of long ago says no more than the previous close; a mid does not care."""
    quote = _quote(ticks, data_type=data_type)
    _fact(quote, tick, str(int((NOW - timedelta(seconds=age_seconds)).timestamp())))

    chosen = choose_price("SPY", quote, LIMITS, allow_previous_close=True)
    live = choose_price("SPY", quote, LIMITS, allow_previous_close=False)

    assert chosen is not None
    assert chosen.source is source
    assert (live is None) == (source is PriceSource.PREVIOUS_CLOSE)


def _fact(quote: Quote, tick_type: int, value: str) -> None:
    note_fact(quote, QuoteFactTold(7, tick_type, value))


@pytest.mark.parametrize(
    ("ticks", "reason"),
    [
        ({1: 24, 2: 36}, "bid 24 and ask 36 are further apart than 1 % allow"),
        ({66: 24, 67: 36, 75: 30}, "bid 24 and ask 36 are further apart than 1 % allow"),
        ({4: 30}, "the last trade is too long ago"),
        ({9: 30}, "the gateway sent no more than a previous close"),
        ({}, "the gateway sent none"),
    ],
)
def test_why_there_is_no_price_is_told(ticks: dict[int, float], reason: str) -> None:
    """An operator reads it in the event's failure."""
    quote = _quote(ticks)
    quote.last_traded_at = quote.observed_at - timedelta(days=1)

    assert choose_price("SPY", quote, LIMITS, allow_previous_close=False) is None
    assert why_none(quote, LIMITS) == reason
