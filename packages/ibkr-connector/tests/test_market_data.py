"""Prices and hours over a gateway."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from broker_connector_base import BrokerAPIError, ContractUnknown, PriceSource, PriceUnavailable
from ibkr_connector import IBKRClient
from sandbox.gateway import GatewayServer
from sandbox.world import World

Connect = Callable[..., Awaitable[IBKRClient]]


async def test_live_mids_side_by_side(client: IBKRClient) -> None:
    """Several symbols are answered together by the middle of bid and ask."""
    prices = await client.get_market_prices(["SPY", "TLT"], allow_previous_close=False)

    assert {symbol: price.price for symbol, price in prices.items()} == {"SPY": 500, "TLT": 90}
    assert {price.source for price in prices.values()} == {PriceSource.LIVE_MID}
    assert (prices["SPY"].bid, prices["SPY"].ask) == (Decimal("499.99"), Decimal("500.01"))


async def test_the_same_symbol_may_be_asked_for_at_once(client: IBKRClient) -> None:
    """Concurrent callers do not end each other's quotes."""
    asked = [client.get_market_prices(["SPY"], allow_previous_close=False) for _ in range(5)]

    answers = await asyncio.wait_for(asyncio.gather(*asked), 2)

    assert [answer["SPY"].price for answer in answers] == [500] * 5


async def test_a_price_is_as_fresh_as_its_question(client: IBKRClient, world: World) -> None:
    """A price asked for again is not the one of before."""
    await client.get_market_prices(["SPY"], allow_previous_close=False)
    world.set_price("SPY", Decimal(510))

    prices = await client.get_market_prices(["SPY"], allow_previous_close=False)

    assert prices["SPY"].price == 510


async def test_a_wide_spread_gives_the_last_price(client: IBKRClient, world: World) -> None:
    """A mid of bid and ask that are 4 % apart is no price; the last trade is."""
    world.set_market("SPY", spread=Decimal(20))

    prices = await client.get_market_prices(["SPY"], allow_previous_close=False)

    assert prices["SPY"].source is PriceSource.LIVE_LAST


async def test_delayed_prices_are_flagged(client: IBKRClient, world: World) -> None:
    """Without a subscription the gateway sends delayed ticks, which are never passed off as live."""
    world.set_market("SPY", delayed_only=True)

    prices = await client.get_market_prices(["SPY", "TLT"], allow_previous_close=False)

    assert prices["SPY"].source is PriceSource.DELAYED
    assert prices["TLT"].source is PriceSource.LIVE_MID


async def test_the_previous_close_is_for_previews(client: IBKRClient, world: World) -> None:
    """Where only yesterday's close is known, it counts only when allowed."""
    world.set_market("SPY", close_only=True)

    preview = await client.get_market_prices(["SPY"], allow_previous_close=True)

    assert preview["SPY"].source is PriceSource.PREVIOUS_CLOSE
    with pytest.raises(PriceUnavailable):
        await client.get_market_prices(["SPY"], allow_previous_close=False)


async def test_every_symbol_without_a_price_is_named(client: IBKRClient, world: World) -> None:
    """One missing price spoils the answer, and all missing ones are named."""
    world.set_market("SPY", no_quote=True)
    world.set_market("TLT", no_quote=True)

    with pytest.raises(PriceUnavailable) as caught:
        await client.get_market_prices(["TLT", "SPY"], allow_previous_close=True)

    assert caught.value.symbols == ("SPY", "TLT")


async def test_quotes_that_never_come_are_waited_for_only_so_long(open_client: Connect, gateway: GatewayServer) -> None:
    """A gateway that says nothing about a price gives none after the set time."""
    patient = await open_client(price_wait_seconds=0.1)
    await patient.get_trading_hours(["SPY"])
    gateway.freeze()

    with pytest.raises(PriceUnavailable, match="SPY"):
        await asyncio.wait_for(patient.get_market_prices(["SPY"], allow_previous_close=True), 1)


async def test_all_unknown_symbols_are_named(client: IBKRClient) -> None:
    """Symbols that are no US stocks are named together, before any price is asked for."""
    with pytest.raises(ContractUnknown, match=r"NOPE.*NADA"):
        await client.get_market_prices(["SPY", "NOPE", "NADA"], allow_previous_close=True)
    with pytest.raises(ContractUnknown, match="NOPE"):
        await client.get_trading_hours(["NOPE"])


async def test_many_symbols_stay_within_the_pace(make_client: Callable[..., IBKRClient]) -> None:
    """Many symbols are priced without the gateway cutting the line for too many messages or lines."""
    symbols = [f"S{number:03}" for number in range(60)]
    world = World.from_dict(
        {"accounts": [{"id": "DU1"}], "instruments": [{"symbol": each, "price": "10"} for each in symbols]},
    )
    async with GatewayServer(world) as gateway:
        client = make_client(port=gateway.port, price_wait_seconds=12.0, request_timeout_seconds=10.0)
        await client.connect()

        prices = await client.get_market_prices(symbols, allow_previous_close=False)

        await client.disconnect()
    assert list(prices) == symbols
    world.close()


async def test_hours_are_sessions_in_utc(client: IBKRClient, world: World) -> None:
    """Regular and extended sessions arrive as moments; an early close and a holiday are in them."""
    world.set_hours(
        {
            "kind": "literal",
            "liquid_hours": "20261126:CLOSED;20261127:0930-20261127:1300",
            "trading_hours": "20261126:CLOSED;20261127:0400-20261127:1700",
        },
    )

    hours = (await client.get_trading_hours(["SPY"]))["SPY"]

    (regular,), (extended,) = hours.regular, hours.extended
    assert regular.opens_at.isoformat() == "2026-11-27T14:30:00+00:00"
    assert regular.closes_at.isoformat() == "2026-11-27T18:00:00+00:00"
    assert extended.opens_at.isoformat() == "2026-11-27T09:00:00+00:00"


async def test_hours_and_prices_side_by_side_ask_once(client: IBKRClient, world: World) -> None:
    """One question about a symbol serves everybody who asks meanwhile, and those who ask soon after."""
    await asyncio.gather(
        client.get_trading_hours(["SPY"]), client.get_market_prices(["SPY"], allow_previous_close=False)
    )
    await client.get_trading_hours(["SPY"])

    assert _asked(world, "CONTRACT_DETAILS") == 1


async def test_hours_are_asked_for_again_after_a_reconnect(client: IBKRClient, world: World) -> None:
    """A new session knows no hours of the last one."""
    before = await client.get_trading_hours(["SPY"])
    world.set_hours("closed")
    await client.disconnect()
    await client.connect()

    after = await client.get_trading_hours(["SPY"])

    assert before["SPY"].regular
    assert after["SPY"].regular == ()


async def test_unreadable_hours_are_an_error(client: IBKRClient, world: World) -> None:
    """Hours that cannot be read are never read as closed or open."""
    world.set_hours({"kind": "literal", "liquid_hours": "soon", "trading_hours": "soon"})

    with pytest.raises(BrokerAPIError, match="SPY"):
        await client.get_trading_hours(["SPY"])


async def test_a_price_of_acceptable_age_is_used_again(client: IBKRClient, world: World) -> None:
    """With the moment of its observation; others are asked for, and a younger reading replaces it."""
    before = await client.get_market_prices(["SPY"], allow_previous_close=False)
    world.set_price("SPY", Decimal(510))

    again = await client.get_market_prices(["SPY", "TLT"], allow_previous_close=False, max_age_seconds=60)
    fresh = await client.get_market_prices(["SPY"], allow_previous_close=False)
    later = await client.get_market_prices(["SPY"], allow_previous_close=False, max_age_seconds=60)

    assert again["SPY"] == before["SPY"]
    assert again["TLT"].price == 90
    assert fresh["SPY"].price == later["SPY"].price == 510
    assert _quotes_asked(world) == 3


async def test_a_price_is_not_used_beyond_its_age(client: IBKRClient, world: World) -> None:
    """However little it is too old."""
    before = await client.get_market_prices(["SPY"], allow_previous_close=False)

    after = await client.get_market_prices(["SPY"], allow_previous_close=False, max_age_seconds=1e-6)

    assert after["SPY"].observed_at > before["SPY"].observed_at
    assert _quotes_asked(world) == 2


async def test_a_remembered_close_is_for_previews_too(client: IBKRClient, world: World) -> None:
    """A preview's price never becomes a live run's."""
    world.set_market("SPY", close_only=True)
    preview = await client.get_market_prices(["SPY"], allow_previous_close=True)
    again = await client.get_market_prices(["SPY"], allow_previous_close=True, max_age_seconds=60)

    with pytest.raises(PriceUnavailable):
        await client.get_market_prices(["SPY"], allow_previous_close=False, max_age_seconds=60)

    assert again == preview


async def test_a_symbol_is_asked_for_once_at_a_time(client: IBKRClient, world: World) -> None:
    """Twenty callers share one quote each of two symbols."""
    await client.get_trading_hours(["SPY", "TLT"])
    asked = [client.get_market_prices(["SPY", "TLT"], allow_previous_close=False) for _ in range(20)]

    answers = await asyncio.gather(*asked)

    assert {answer["TLT"].price for answer in answers} == {90}
    assert _quotes_asked(world) == 2


async def test_a_caller_who_leaves_does_not_take_the_answer_along(client: IBKRClient, world: World) -> None:
    """The others still get it."""
    world.set_latency({"reply_ms": 50})
    first, second = (
        asyncio.ensure_future(client.get_market_prices(["SPY"], allow_previous_close=False)) for _ in range(2)
    )
    async with asyncio.timeout(2):
        while not _quotes_asked(world):
            await client.get_fills("DU1")

    first.cancel()

    assert (await second)["SPY"].price == 500
    assert _quotes_asked(world) == 1


async def test_a_halted_stock_has_no_price(client: IBKRClient, world: World) -> None:
    """Its quotes are not what it will trade at; the reason names it. Previews take the previous close."""
    world.set_market("SPY", halted=True)

    with pytest.raises(PriceUnavailable, match=r"SPY: halted \(SPY\)") as caught:
        await client.get_market_prices(["SPY", "TLT"], allow_previous_close=False)
    preview = await client.get_market_prices(["SPY"], allow_previous_close=True)

    assert caught.value.symbols == ("SPY",)
    assert preview["SPY"].source is PriceSource.PREVIOUS_CLOSE


async def test_every_reason_names_its_symbols(client: IBKRClient, world: World) -> None:
    """A halt and a missing quote are told apart."""
    world.set_market("SPY", halted=True)
    world.set_market("TLT", no_quote=True)

    with pytest.raises(PriceUnavailable, match=r"halted \(SPY\); the gateway sent none \(TLT\)"):
        await client.get_market_prices(["TLT", "SPY"], allow_previous_close=False)


def _quotes_asked(world: World) -> int:
    return _asked(world, "MARKET_DATA")


def _asked(world: World, message: str) -> int:
    return sum(entry.details["message"] == message for entry in world.journal.of("request"))
