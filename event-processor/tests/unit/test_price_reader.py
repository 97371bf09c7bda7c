"""Prices: shared by the previews of one minute, asked for anew for orders."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs

from broker_connector_base import BrokerConnectionError, PriceSource, PriceUnavailable
from broker_connector_base.testing import PaperBroker, PaperBrokerage, PaperQuote
from event_processor.rebalancer.price_reader import EarlyPrices, PriceReader
from event_processor.testing.hand_clock import HandClock
from event_processor.testing.scenario import NOON, paper_account, paper_brokerage


@pytest.fixture
def clock() -> HandClock:
    """Noon."""
    return HandClock(NOON)


@pytest.fixture
def brokerage(clock: HandClock) -> PaperBrokerage:
    """One stock at 100."""
    return paper_brokerage(paper_account(0), clock, {"A": 100})


async def _reader(brokerage: PaperBrokerage, clock: HandClock, max_age_seconds: float) -> PriceReader:
    broker = PaperBroker(brokerage)
    await broker.connect()
    return PriceReader(broker, clock, max_age_seconds)


async def _second_preview(brokerage: PaperBrokerage, clock: HandClock, *, ttl: float, later: float) -> Any:
    reader = await _reader(brokerage, clock, ttl)
    await reader.preview(["A"])
    brokerage.set_quote(PaperQuote(symbol="A", price=Decimal(110)))
    clock.advance(later)
    with capture_logs() as lines:
        prices = await reader.preview(["A"])
    return prices["A"].price, [line for line in lines if line["event"] == "using_cached_price"]


async def test_within_its_time_a_preview_uses_a_price_again_and_that_is_logged(
    brokerage: PaperBrokerage, clock: HandClock
) -> None:
    """With its age."""
    price, lines = await _second_preview(brokerage, clock, ttl=60, later=59)

    assert price == 100
    assert lines[0]["age_seconds"] == {"A": 59.0}


@pytest.mark.parametrize(("ttl", "later"), [(60, 61), (0, 1)])
async def test_beyond_its_time_a_price_is_asked_for_anew(
    brokerage: PaperBrokerage, clock: HandClock, ttl: float, later: float
) -> None:
    """A time of 0 asks for every price."""
    assert await _second_preview(brokerage, clock, ttl=ttl, later=later) == (110, [])


async def test_no_order_is_sized_on_a_price_seen_before(brokerage: PaperBrokerage, clock: HandClock) -> None:
    """The account's value is of this moment, and so must the prices be."""
    reader = await _reader(brokerage, clock, 60)
    await reader.preview(["A"])
    brokerage.set_quote(PaperQuote(symbol="A", price=Decimal(110)))

    prices = await reader.live(["A"])

    assert prices["A"].price == 110


async def test_only_previews_take_the_previous_close(brokerage: PaperBrokerage, clock: HandClock) -> None:
    """Nobody trades on it."""
    brokerage.set_quote(PaperQuote(symbol="A", price=Decimal(90), source=PriceSource.PREVIOUS_CLOSE))
    reader = await _reader(brokerage, clock, 0)

    shown = await reader.preview(["A"])

    assert shown["A"].price == 90
    with pytest.raises(PriceUnavailable):
        await reader.live(["A"])


async def _completed(brokerage: PaperBrokerage, clock: HandClock, *, later: float) -> Any:
    """Prices of A and B, where A was asked for so many seconds before, and has risen since."""
    reader = await _reader(brokerage, clock, 60)
    early = asyncio.ensure_future(reader.live(["A"]))
    await asyncio.wait({early})
    brokerage.set_quote(PaperQuote(symbol="A", price=Decimal(110)))
    clock.advance(later)
    prices = await reader.complete(EarlyPrices(["A"], early), ["A", "B"])
    return {symbol: price.price for symbol, price in prices.items()}


@pytest.mark.parametrize(("later", "price"), [(0, 100), (2, 100), (2.1, 110)])
async def test_early_prices_count_while_they_are_of_this_moment(clock: HandClock, later: float, price: int) -> None:
    """Reading an account may take long; after that its prices are asked for again, all of them."""
    brokerage = paper_brokerage(paper_account(0), clock, {"A": 100, "B": 50})

    assert await _completed(brokerage, clock, later=later) == {"A": price, "B": 50}


async def test_early_prices_that_are_not_needed_are_left_out(brokerage: PaperBrokerage, clock: HandClock) -> None:
    """The answer is about what was asked for in the end."""
    reader = await _reader(brokerage, clock, 0)

    prices = await reader.complete(EarlyPrices(["A"], asyncio.ensure_future(reader.live(["A"]))), [])

    assert prices == {}


async def test_all_symbols_without_a_price_are_named_together(clock: HandClock) -> None:
    """Whether they were asked for early or late."""
    brokerage = paper_brokerage(paper_account(0), clock, {"A": None, "B": None})
    reader = await _reader(brokerage, clock, 0)
    early = EarlyPrices(["A"], asyncio.ensure_future(reader.live(["A"])))

    with pytest.raises(PriceUnavailable) as caught:
        await reader.complete(early, ["A", "B"])

    assert caught.value.symbols == ("A", "B")


async def test_a_lost_connection_says_all_by_itself(clock: HandClock) -> None:
    """A symbol without a price is then nobody's concern."""
    broker = PaperBroker(paper_brokerage(paper_account(0), clock, {"A": None, "B": 50}))
    await broker.connect()
    reader = PriceReader(broker, clock, 0)
    early = EarlyPrices(["A"], asyncio.ensure_future(reader.live(["A"])))
    await asyncio.wait({early.answer})
    await broker.disconnect()

    with pytest.raises(BrokerConnectionError):
        await reader.complete(early, ["A", "B"])
