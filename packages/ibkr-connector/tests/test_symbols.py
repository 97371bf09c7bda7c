"""Share classes: `BRK.B` here is `BRK B` at the gateway, in both directions and nowhere else."""

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal

import pytest
from ib_async import Contract

from broker_connector_base import OrderRequest
from ibkr_connector import IBKRClient
from ibkr_connector.mapping import from_gateway, to_gateway_symbol
from sandbox.gateway import GatewayServer
from sandbox.world import World

Connect = Callable[..., Awaitable[IBKRClient]]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """An account that holds a share class, as the gateway names it."""
    content = {
        "accounts": [{"id": "DU1", "cash": "100000", "positions": [{"symbol": "BRK B", "quantity": "7"}]}],
        "instruments": [{"symbol": "BRK B", "price": "500"}, {"symbol": "SPY", "price": "600"}],
    }
    world = World.from_dict(content)
    yield world
    world.close()


@pytest.fixture
async def share_client(world: World, open_client: Connect) -> AsyncIterator[IBKRClient]:
    """A client of that world."""
    async with GatewayServer(world) as gateway:
        client = await open_client(port=gateway.port)
        yield client
        await client.disconnect()


@pytest.mark.parametrize(("ours", "theirs"), [("BRK.B", "BRK B"), ("BF.B", "BF B"), ("SPY", "SPY")])
def test_names_of_stocks_go_both_ways(ours: str, theirs: str) -> None:
    """A dot here is a space there."""
    assert to_gateway_symbol(ours) == theirs
    assert from_gateway(Contract(secType="STK", symbol=theirs)) == ours


@pytest.mark.parametrize("sec_type", ["BOND", "FUT", "CASH", "OPT"])
def test_names_of_other_instruments_stay(sec_type: str) -> None:
    """They are never ordered, and their names mean nothing to us."""
    assert from_gateway(Contract(secType=sec_type, symbol="US T 4")) == "US T 4"


async def test_a_holding_has_the_name_of_its_weight(share_client: IBKRClient) -> None:
    """Otherwise a share class would be sold as a stranger and bought again."""
    snapshot = await share_client.get_account_snapshot("DU1")

    assert [(held.symbol, held.quantity) for held in snapshot.positions] == [("BRK.B", 7)]


async def test_prices_and_hours_answer_to_our_name(share_client: IBKRClient) -> None:
    """What was asked for is what is answered."""
    prices = await share_client.get_market_prices(["BRK.B", "SPY"], allow_previous_close=False)
    hours = await share_client.get_trading_hours(["BRK.B"])

    assert {symbol: quote.price for symbol, quote in prices.items()} == {"BRK.B": 500, "SPY": 600}
    assert prices["BRK.B"].symbol == hours["BRK.B"].symbol == "BRK.B"


async def test_an_order_goes_out_and_comes_back(
    share_client: IBKRClient, world: World, order: Callable[..., OrderRequest]
) -> None:
    """The gateway reads its own name; order, listing and fill carry ours."""
    world.add_fault({"kind": "partial_fill", "quantity": 4})
    request = order(symbol="BRK.B", order_ref="event-1:1:BUY:BRK.B")

    order_id = await share_client.place_order(request)
    await share_client.await_order(order_id, timeout_seconds=0.3)
    (listed,) = await share_client.get_open_orders("DU1")
    (fill,) = await share_client.get_fills("DU1")

    (sent,) = world.journal.of("place_order")
    assert sent.symbol == "BRK B"
    assert (listed.symbol, fill.symbol, fill.quantity) == ("BRK.B", "BRK.B", Decimal(4))
    assert await share_client.what_if(request)
