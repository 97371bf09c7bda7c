"""Contracts, hours, quotes, bars."""

import asyncio
import math
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from ib_async import IB, Contract, Stock, Ticker

from sandbox.testing import RunningSandbox, running_sandbox

INSTRUMENTS = [
    {"symbol": "SPY", "con_id": 756733, "price": 500, "spread": 2, "close": 495, "stock_type": "ETF"},
    {"symbol": "SAP", "price": 200, "currency": "EUR", "primary_exchange": "IBIS"},
    {"symbol": "SAP", "price": 210, "primary_exchange": "NYSE"},
    {"symbol": "TWO", "price": 1, "primary_exchange": "NYSE"},
    {"symbol": "TWO", "price": 1, "primary_exchange": "ARCA"},
    {"symbol": "LATE", "price": 10, "delayed_only": True},
    {"symbol": "MUTE", "price": 10, "no_quote": True},
    {"symbol": "OLD", "price": 10, "close": 9, "close_only": True},
    {"symbol": "STOP", "price": 10, "halted": True},
]


@pytest.fixture
async def market() -> AsyncIterator[RunningSandbox]:
    """Instruments of every kind."""
    async with running_sandbox(instruments=INSTRUMENTS, fx={"EUR": "1.1"}) as running:
        yield running


async def qualified(ib: IB, symbol: str) -> Contract:
    """The contract with its id, without which the client keeps no ticker."""
    (contract,) = await ib.qualifyContractsAsync(Stock(symbol, "SMART", "USD"))
    assert isinstance(contract, Contract)
    return contract


async def ticker_of(sandbox: RunningSandbox, symbol: str, data_type: int = 1) -> Ticker:
    """One snapshot."""
    ib = await sandbox.connect()
    ib.reqMarketDataType(data_type)
    (ticker,) = await asyncio.wait_for(ib.reqTickersAsync(await qualified(ib, symbol)), 2)
    return ticker


async def test_contracts_are_qualified_by_symbol_and_by_id(market: RunningSandbox) -> None:
    """Either way leads to the whole contract."""
    ib = await market.connect()

    by_symbol, by_id = await ib.qualifyContractsAsync(Stock("SPY", "SMART", "USD"), Contract(conId=756733))

    assert isinstance(by_symbol, Contract)
    assert isinstance(by_id, Contract)
    assert (by_symbol.conId, by_symbol.primaryExchange, by_id.symbol) == (756733, "ARCA", "SPY")


async def test_unknown_and_ambiguous_contracts_are_not_qualified(market: RunningSandbox) -> None:
    """Both come back as None; the unknown one with error 200."""
    ib = await market.connect()

    found = await ib.qualifyContractsAsync(Stock("NOPE", "SMART", "USD"), Stock("TWO", "SMART", "USD"))

    assert found == [None, None]
    assert market.codes == [200]


async def test_a_primary_exchange_or_a_currency_tells_listings_apart(market: RunningSandbox) -> None:
    """Which is what they are for."""
    ib = await market.connect()

    arca, euro = await ib.qualifyContractsAsync(
        Stock("TWO", "SMART", "USD", primaryExchange="ARCA"),
        Stock("SAP", "SMART", "EUR"),
    )

    assert isinstance(arca, Contract)
    assert isinstance(euro, Contract)
    assert (arca.primaryExchange, euro.primaryExchange) == ("ARCA", "IBIS")


async def test_hours_are_readable_sessions_around_now(market: RunningSandbox) -> None:
    """An always open market is open at this moment, in its own zone."""
    ib = await market.connect()

    (details,) = await ib.reqContractDetailsAsync(Stock("SPY", "SMART", "USD"))

    now = market.world.parts.now()
    assert any(session.start <= now < session.end for session in details.liquidSessions())
    assert (details.timeZoneId, details.minTick, details.stockType) == ("US/Eastern", 0.01, "ETF")


async def test_literal_hours_arrive_as_they_were_written(market: RunningSandbox) -> None:
    """Early closes and holidays can be staged for one symbol."""
    hours = "20261127:0930-20261127:1300;20261128:CLOSED"
    market.world.set_hours({"kind": "literal", "trading_hours": hours, "liquid_hours": hours}, "SPY")
    ib = await market.connect()

    (details,) = await ib.reqContractDetailsAsync(Stock("SPY", "SMART", "USD"))

    assert details.liquidHours == hours
    assert [session.end.hour for session in details.liquidSessions()] == [13]


async def test_a_live_snapshot_has_both_sides_and_both_prices(market: RunningSandbox) -> None:
    """Bid and ask lie one spread apart around the price."""
    ticker = await ticker_of(market, "SPY")

    assert (ticker.bid, ticker.ask, ticker.last, ticker.close) == (499, 501, 500, 495)
    assert ticker.marketDataType == 1


async def test_delayed_data_must_be_asked_for(market: RunningSandbox) -> None:
    """As live data it ends with 354 and without a price."""
    ticker = await ticker_of(market, "LATE")

    assert market.codes == [354]
    assert math.isnan(ticker.last)


async def test_delayed_data_is_marked_as_such(market: RunningSandbox) -> None:
    """A message, the type 3, and the prices in their delayed fields."""
    ticker = await ticker_of(market, "LATE", data_type=3)

    assert market.codes == [10167]
    assert (ticker.marketDataType, ticker.last) == (3, 10)


async def test_subscribed_instruments_stay_live_when_delayed_is_asked_for(market: RunningSandbox) -> None:
    """Type 3 only helps where there is no subscription."""
    assert (await ticker_of(market, "SPY", data_type=3)).marketDataType == 1


async def test_no_quote_is_no_price(market: RunningSandbox) -> None:
    """Bid and ask are -1, nothing else comes."""
    ticker = await ticker_of(market, "MUTE")

    assert (ticker.bid, ticker.ask) == (-1, -1)
    assert math.isnan(ticker.last)
    assert math.isnan(ticker.close)


async def test_only_a_close_is_only_a_close(market: RunningSandbox) -> None:
    """Yesterday's price and nothing of today."""
    ticker = await ticker_of(market, "OLD")

    assert (ticker.bid, ticker.close) == (-1, 9)
    assert math.isnan(ticker.last)


async def test_a_halt_is_told(market: RunningSandbox) -> None:
    """By its own tick."""
    assert (await ticker_of(market, "STOP")).halted == 1


async def test_a_closed_market_quotes_only_when_frozen_data_is_asked_for(market: RunningSandbox) -> None:
    """Type 2 shows the last quote of the session."""
    market.world.set_hours("closed")
    ib = await market.connect()
    contract = await qualified(ib, "SPY")

    (live,) = await ib.reqTickersAsync(contract)
    live_bid = live.bid
    ib.reqMarketDataType(2)
    (frozen,) = await ib.reqTickersAsync(contract)

    assert live_bid == -1
    assert (frozen.marketDataType, frozen.bid) == (2, 499)


async def test_a_stream_follows_the_price(market: RunningSandbox) -> None:
    """Until it is cancelled."""
    ib = await market.connect()
    contract = await qualified(ib, "SPY")
    ticker = ib.reqMktData(contract)
    await asyncio.wait_for(ticker.updateEvent, 2)

    market.world.set_price("SPY", Decimal(510))
    await asyncio.wait_for(ticker.updateEvent, 2)
    ib.cancelMktData(contract)
    await ib.reqCurrentTimeAsync()
    market.world.set_price("SPY", Decimal(520))
    await ib.reqCurrentTimeAsync()

    assert ticker.last == 510


async def test_a_restored_link_without_data_ends_the_streams(market: RunningSandbox) -> None:
    """After 1101 the client has to subscribe again; after 1102 it need not."""
    ib = await market.connect()
    ticker = ib.reqMktData(await qualified(ib, "SPY"))
    await asyncio.wait_for(ticker.updateEvent, 2)

    market.gateway.broadcast(1100)
    market.gateway.broadcast(1102)
    market.world.set_price("SPY", Decimal(510))
    market.gateway.broadcast(1100)
    market.gateway.broadcast(1101)
    market.world.set_price("SPY", Decimal(520))
    await ib.reqCurrentTimeAsync()

    assert ticker.last == 510


async def test_an_empty_snapshot_may_take_its_time() -> None:
    """As the real gateway waits for prices that never come."""
    latency = {"empty_snapshot_ms": 60}
    async with running_sandbox(instruments=[{"symbol": "MUTE", "price": 1, "no_quote": True}], latency=latency) as slow:
        started = asyncio.get_running_loop().time()
        await ticker_of(slow, "MUTE")

    assert asyncio.get_running_loop().time() - started >= 0.05


async def test_daily_bars_end_at_the_previous_close(market: RunningSandbox) -> None:
    """The same bars every time."""
    ib = await market.connect()
    contract = Stock("SPY", "SMART", "USD")

    first = await ib.reqHistoricalDataAsync(contract, "", "1 W", "1 day", "TRADES", useRTH=True)
    second = await ib.reqHistoricalDataAsync(contract, "", "1 W", "1 day", "TRADES", useRTH=True)

    assert (len(first), first[-1].close) == (5, 495)
    assert list(first) == list(second)


async def test_bars_of_other_sizes_are_refused(market: RunningSandbox) -> None:
    """With 162, and an empty list for the client."""
    ib = await market.connect()

    bars = await ib.reqHistoricalDataAsync(Stock("SPY", "SMART", "USD"), "", "1 D", "5 mins", "TRADES", useRTH=True)

    assert list(bars) == []
    assert market.codes == [162]


async def test_symbols_can_be_searched_and_have_price_steps(market: RunningSandbox) -> None:
    """By their first letters."""
    ib = await market.connect()

    found = await ib.reqMatchingSymbolsAsync("S")
    rule = await ib.reqMarketRuleAsync(26)

    assert [d.contract.symbol for d in found or [] if d.contract] == ["SPY", "SAP", "SAP", "STOP"]
    assert [step.increment for step in rule or []] == [0.01]
