"""Messages that cannot be decoded are missed, not passed over."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import pytest
from ib_async import IB
from ib_async.wrapper import Wrapper

from broker_connector_base import BrokerAPIError, OrderRequest, OrderStatus, OrderType, SnapshotIncomplete
from ibkr_connector import IBKRClient
from ibkr_connector.decoding import ListeningDecoder
from ibkr_connector.messages import Undecodable
from sandbox.gateway import GatewayServer

Ask = Callable[..., OrderRequest]

_NUMBER_AT = {b"3": 1, b"5": 1, b"11": 3, b"61": 3, b"63": 2}
"""Where a message of each kind has a number that can be spoilt."""


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, spoilt: set[bytes]) -> None:
    """Pass on all frames, those of spoilt kinds with a word in place of a number."""
    try:
        while True:
            payload = await reader.readexactly(struct.unpack(">I", await reader.readexactly(4))[0])
            fields = payload.split(b"\0")
            if fields[0] in spoilt:
                fields[_NUMBER_AT[fields[0]]] = b"garbled"
            payload = b"\0".join(fields)
            writer.write(struct.pack(">I", len(payload)) + payload)
    except asyncio.IncompleteReadError:
        writer.close()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, spoilt: set[bytes]) -> None:
    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
    up_writer.write(await reader.readexactly(len(b"API\0")))
    await asyncio.gather(_relay(reader, up_writer, set()), _relay(up_reader, writer, spoilt))


@pytest.fixture
def spoilt() -> set[bytes]:
    """The kinds of messages that arrive garbled from now on."""
    return set()


@pytest.fixture
async def client(
    gateway: GatewayServer, make_client: Callable[..., IBKRClient], spoilt: set[bytes]
) -> AsyncIterator[IBKRClient]:
    """A client that is connected through a line that garbles."""
    tasks: list[asyncio.Task[None]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.create_task(_serve(reader, writer, gateway.port, spoilt)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    client = make_client(port=server.sockets[0].getsockname()[1])
    await client.connect()
    yield client
    await client.disconnect()
    server.close()
    await asyncio.wait(tasks, timeout=2)


@pytest.mark.parametrize("fields", [["3", "garbled"], ["5", "1"], ["61", "3", "DU1"], ["11"], ["63", "1", "x"]])
def test_what_cannot_be_decoded_is_told(fields: list[str]) -> None:
    """The kind of the message and a bounded text."""
    told: list[Undecodable] = []
    ListeningDecoder(Wrapper(IB()), told.append).interpret([*fields, "x" * 1000])

    assert [each.message_id for each in told] == [int(fields[0])]
    assert len(told[0].text) <= 300


def test_unknown_kinds_are_harmless() -> None:
    """A gateway newer than the library may say more; only an unreadable kind may have been anything."""
    told: list[Undecodable] = []
    decoder = ListeningDecoder(Wrapper(IB()), told.append)
    decoder.interpret(["999", "news"])
    decoder.interpret(["garbled"])

    assert [each.message_id for each in told] == [-1]


async def test_an_open_order_that_cannot_be_read_stops_trading(
    client: IBKRClient, order: Ask, spoilt: set[bytes]
) -> None:
    """Nothing is placed until the orders could be listed."""
    await client.place_order(order(order_type=OrderType.LIMIT, limit_price=Decimal(50)))
    spoilt.add(b"5")
    with pytest.raises(BrokerAPIError, match="openOrder"):
        await client.get_open_orders("DU1")
    with pytest.raises(BrokerAPIError, match="was not sent"):
        await client.place_order(order(order_ref="event-2:1:BUY:TLT"))
    spoilt.clear()
    listed = await client.get_open_orders("DU1")
    await client.get_fills("DU1")

    assert [each.order_ref for each in listed] == ["event-1:1:BUY:TLT"]
    assert await client.place_order(order(order_ref="event-2:1:BUY:TLT"))


@pytest.mark.parametrize("kind", [b"61", b"63"])
async def test_an_account_that_cannot_be_read_is_incomplete(
    client: IBKRClient, spoilt: set[bytes], kind: bytes
) -> None:
    """A position or figure that was lost is not taken for none."""
    spoilt.add(kind)

    with pytest.raises(SnapshotIncomplete, match="cannot be decoded"):
        await client.get_account_snapshot("DU1")


async def test_executions_that_cannot_be_read_are_incomplete(
    client: IBKRClient, order: Ask, spoilt: set[bytes]
) -> None:
    """Fills that were lost are not taken for none."""
    await client.await_order(await client.place_order(order()), timeout_seconds=2)
    spoilt.add(b"11")

    with pytest.raises(BrokerAPIError, match="execDetails"):
        await client.get_fills("DU1")


async def test_a_lost_status_is_asked_for(client: IBKRClient, order: Ask, spoilt: set[bytes]) -> None:
    """The order is looked up in the lists, after which trading goes on."""
    spoilt.add(b"3")
    placed = await client.place_order(order())
    result = await client.await_order(placed, timeout_seconds=2)

    assert (result.status, result.filled_quantity) == (OrderStatus.FILLED, 10)
