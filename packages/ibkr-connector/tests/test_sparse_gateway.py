"""A gateway that leaves out what a connector could do without: only the common requests and answers get through."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import pytest

from broker_connector_base import OrderRequest, OrderStatus, OrderType, PriceSource
from ibkr_connector import IBKRClient
from sandbox.gateway import GatewayServer
from sandbox.world import World

Ask = Callable[..., OrderRequest]

_ASKED_IN_VAIN = {b"6", b"76", b"77", b"99", b"59"}
"""Account updates in both forms, completed orders, market data type."""
_NEVER_TOLD = {b"57", b"58", b"59"}
"""End of a price snapshot, type of its data, commission reports."""
_SUMMARY, _SUMMARY_END = b"63", b"64"


class _Requests:
    """Lets through what is commonly asked, and notes what was asked for."""

    def __init__(self, asked: list[bytes]) -> None:
        self._asked = asked

    def passes(self, fields: list[bytes]) -> bool:
        self._asked.append(fields[0])
        return fields[0] not in _ASKED_IN_VAIN


class _Answers:
    """Lets through what is commonly told: no ledger, and no summary that is refreshed."""

    def __init__(self) -> None:
        self._ended: set[bytes] = set()

    def passes(self, fields: list[bytes]) -> bool:
        if fields[0] == _SUMMARY_END:
            self._ended.add(fields[2])
        if fields[0] == _SUMMARY:
            return b"CashBalance" not in fields and fields[2] not in self._ended
        return fields[0] not in _NEVER_TOLD


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sieve: _Requests | _Answers) -> None:
    """Pass on the frames that the sieve lets through."""
    try:
        while True:
            header = await reader.readexactly(4)
            payload = await reader.readexactly(struct.unpack(">I", header)[0])
            if sieve.passes(payload.split(b"\0")):
                writer.write(header + payload)
    except asyncio.IncompleteReadError:
        writer.close()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, asked: list[bytes]) -> None:
    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
    up_writer.write(await reader.readexactly(len(b"API\0")))
    await asyncio.gather(_relay(reader, up_writer, _Requests(asked)), _relay(up_reader, writer, _Answers()))


@pytest.fixture
def asked() -> list[bytes]:
    """The kinds of all requests of the client, by their message ids."""
    return []


@pytest.fixture
async def client(
    gateway: GatewayServer, make_client: Callable[..., IBKRClient], asked: list[bytes]
) -> AsyncIterator[IBKRClient]:
    """A client that is connected through the filter."""
    tasks: list[asyncio.Task[None]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.create_task(_serve(reader, writer, gateway.port, asked)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    client = make_client(port=server.sockets[0].getsockname()[1], request_timeout_seconds=0.3, price_wait_seconds=0.3)
    await client.connect()
    yield client
    await client.disconnect()
    server.close()
    await asyncio.wait(tasks, timeout=2)


async def test_an_account_is_read_without_a_ledger(client: IBKRClient) -> None:
    """Total cash is enough where currencies are not told apart."""
    snapshot = await client.get_account_snapshot("DU1")

    assert (snapshot.cash, snapshot.other_cash) == (100_000, 0)
    assert [position.symbol for position in snapshot.positions] == ["SPY"]


async def test_prices_come_without_an_end(client: IBKRClient, world: World) -> None:
    """Bid and ask are enough at once; a last price alone is taken when the time is over."""
    world.set_market("TLT", spread=Decimal(20))

    prices = await client.get_market_prices(["SPY", "TLT"], allow_previous_close=False)

    assert prices["SPY"].source is PriceSource.LIVE_MID
    assert prices["TLT"].source is PriceSource.LIVE_LAST


async def test_quotes_that_are_left_early_are_given_back(client: IBKRClient, asked: list[bytes]) -> None:
    """A login has so many market data lines: each one that has not ended by itself is cancelled, a while later."""
    await client.get_market_prices(["SPY", "TLT"], allow_previous_close=False)
    at_once = asked.count(b"2")

    lost = asyncio.ensure_future(client.wait_until_lost())
    async with asyncio.timeout(5):
        while asked.count(b"2") < 2:
            await asyncio.wait({lost}, timeout=0.05)
    lost.cancel()

    assert at_once == 0
    assert (asked.count(b"1"), asked.count(b"2")) == (2, 2)


async def test_an_order_fills_without_commission_reports(client: IBKRClient, order: Ask) -> None:
    """A commission that is never reported is not known, and the result says so."""
    result = await client.await_order(await client.place_order(order()), timeout_seconds=2)
    snapshot = await client.get_account_snapshot("DU1")

    assert (result.status, result.filled_quantity) == (OrderStatus.FILLED, 10)
    assert [fill.commission for fill in result.fills] == [None]
    assert result.message == "no commission reported for 1 of 1 executions"
    assert {each.symbol: each.quantity for each in snapshot.positions} == {"SPY": 100, "TLT": 10}


async def test_a_rejection_needs_no_list_of_completed_orders(client: IBKRClient, world: World, order: Ask) -> None:
    """Where that list is never sent, open orders, executions and the broker's words must do, and the session lives."""
    world.set_read_only(True)
    refused = await client.await_order(await client.place_order(order()), timeout_seconds=2)
    world.set_read_only(False)

    assert refused.status is OrderStatus.REJECTED
    assert await client.get_open_orders("DU1") == ()


async def test_cash_is_asked_for_where_nothing_is_pushed(client: IBKRClient, world: World) -> None:
    """A gateway that never refreshes a standing summary is asked afresh."""
    waiting = asyncio.ensure_future(client.await_cash("DU1", at_least=Decimal(100_500), timeout_seconds=10))
    await asyncio.wait({waiting}, timeout=0.1)
    world.deposit("DU1", Decimal(1000))

    assert await asyncio.wait_for(waiting, 3) == 101_000


async def test_the_end_of_an_outage_takes_no_summary(
    client: IBKRClient, gateway: GatewayServer, asked: list[bytes]
) -> None:
    """Only two summaries may be subscribed to at a time, and none is opened that nobody reads."""
    gateway.broadcast(1102)
    await client.get_fills("DU1")
    await client.get_fills("DU1")

    assert asked.count(b"62") == 0


async def test_a_cancellation_is_confirmed(client: IBKRClient, order: Ask) -> None:
    """The order's own status is all that a cancellation needs."""
    order_id = await client.place_order(order(order_type=OrderType.LIMIT, limit_price=Decimal(50)))
    await client.await_order(order_id, timeout_seconds=0.1)

    assert await client.cancel_order(order_id, timeout_seconds=2) is OrderStatus.CANCELLED
