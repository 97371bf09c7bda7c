"""A gateway that numbers the parts of an order where others number corrections."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from broker_connector_base import OrderRequest, OrderStatus, Side
from ibkr_connector import IBKRClient
from sandbox.gateway import GatewayServer
from sandbox.world import World

Ask = Callable[..., OrderRequest]

_EXECUTION_ID = re.compile(rb"\.([0-9a-f]{8})\.01\.01\0")


def _renumbered(found: re.Match[bytes]) -> bytes:
    """The second execution of the day is the second part of one."""
    return b".00000001.01.%02d\0" % int(found[1], 16)


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on answers with other ids of executions, which are as long, frame by frame."""
    try:
        while True:
            header = await reader.readexactly(4)
            payload = await reader.readexactly(int.from_bytes(header))
            writer.write(header + _EXECUTION_ID.sub(_renumbered, payload))
    except asyncio.IncompleteReadError:
        writer.close()


async def _requests(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@pytest.fixture
async def port(gateway: GatewayServer) -> AsyncIterator[int]:
    """Where that gateway listens."""
    relays: list[asyncio.Task[None]] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        relays.append(asyncio.create_task(_requests(reader, up_writer)))
        relays.append(asyncio.create_task(_answers(up_reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    if relays:
        await asyncio.wait(relays, timeout=2)


async def test_every_part_of_an_order_counts(
    open_client: Callable[..., Awaitable[IBKRClient]], world: World, port: int, order: Ask
) -> None:
    """Sold in two parts, it is filled, its commissions are told, and positions agree at once."""
    client = await open_client(port=port)
    world.add_fault({"kind": "partial_fill", "symbol": "SPY", "quantity": 4, "rest_after_ms": 10})
    await client.get_account_snapshot("DU1")
    request = order(symbol="SPY", side=Side.SELL, order_ref="event-1:1:SELL:SPY")

    result = await client.await_order(await client.place_order(request), timeout_seconds=5)
    positions = await client.get_positions_after_trading("DU1", timeout_seconds=5)

    assert (result.status, result.filled_quantity) == (OrderStatus.FILLED, 10)
    assert [(fill.exec_id[-2:], fill.quantity, fill.replaces) for fill in result.fills] == [
        ("01", 4, ()),
        ("02", 6, ()),
    ]
    assert [fill.commission for fill in result.fills] == [1, 0]  # one dollar an order
    assert result.message == ""
    assert [(each.symbol, each.quantity) for each in positions] == [("SPY", 90)]
    await client.disconnect()
