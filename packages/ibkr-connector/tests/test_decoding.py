"""Messages that cannot be decoded are missed, not passed over."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from ib_async import IB
from ib_async.wrapper import Wrapper

from broker_connector_base import (
    BrokerAPIError,
    ContractUnknown,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    SnapshotIncomplete,
)
from ibkr_connector import IBKRClient, IBKRConnectionSettings
from ibkr_connector.decoding import ListeningDecoder
from ibkr_connector.messages import OrderKey, Undecodable
from ibkr_connector.order_record import OrderRecord
from ibkr_connector.session import GatewaySession
from sandbox.gateway import GatewayServer
from sandbox.world import World

Ask = Callable[..., OrderRequest]

_NUMBER_AT = {b"3": 1, b"4": 2, b"5": 1, b"10": 13, b"11": 3, b"61": 3, b"63": 2, b"101": 1}
"""Where a message of each kind has a number that can be spoilt."""
_UNKNOWN_KIND = b"999"


@dataclass
class Noise:
    """What happens to messages from the gateway, by kind."""

    spoilt: set[bytes] = field(default_factory=set[bytes])
    """Garbled from now on."""
    spoilt_once: set[bytes] = field(default_factory=set[bytes])
    """The next one is."""
    hidden: set[bytes] = field(default_factory=set[bytes])
    """Never come."""
    spoilt_of: str = ""
    """Only those that name this account are garbled; of any when empty."""

    def over(self, payload: bytes) -> bytes:
        """A message as it arrives."""
        fields = payload.split(b"\0")
        kind = fields[0]
        if kind in self.hidden:
            fields[0] = _UNKNOWN_KIND
        elif kind in self.spoilt | self.spoilt_once and self.spoilt_of.encode() in payload:
            fields[_NUMBER_AT[kind]] = b"garbled"
            self.spoilt_once.discard(kind)
        return b"\0".join(fields)


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, noise: Noise) -> None:
    """Pass on all frames, as the noise leaves them."""
    with suppress(asyncio.IncompleteReadError, ConnectionError), closing(writer):
        while True:
            payload = await reader.readexactly(struct.unpack(">I", await reader.readexactly(4))[0])
            heard = noise.over(payload)
            writer.write(struct.pack(">I", len(heard)) + heard)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, noise: Noise) -> None:
    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
    up_writer.write(await reader.readexactly(len(b"API\0")))
    await asyncio.gather(_relay(reader, up_writer, Noise()), _relay(up_reader, writer, noise))


@pytest.fixture
def noise() -> Noise:
    """The noise on the line; none at first."""
    return Noise()


@pytest.fixture
async def client(
    gateway: GatewayServer, make_client: Callable[..., IBKRClient], noise: Noise
) -> AsyncIterator[IBKRClient]:
    """A client that is connected through a line that may garble."""
    tasks: list[asyncio.Task[None]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.create_task(_serve(reader, writer, gateway.port, noise)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    client = make_client(port=server.sockets[0].getsockname()[1])
    await client.connect()
    yield client
    await client.disconnect()
    server.close()
    await asyncio.wait(tasks, timeout=2)


def resting(order: Ask) -> OrderRequest:
    """A buy that the market does not reach."""
    return order(order_type=OrderType.LIMIT, limit_price=Decimal(50))


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


async def test_an_open_order_that_cannot_be_read_stops_trading(client: IBKRClient, order: Ask, noise: Noise) -> None:
    """Nothing is placed until the orders could be listed."""
    await client.place_order(resting(order))
    noise.spoilt.add(b"5")
    with pytest.raises(BrokerAPIError, match="openOrder"):
        await client.get_open_orders("DU1")
    with pytest.raises(BrokerAPIError, match="was not sent"):
        await client.place_order(order(order_ref="event-2:1:BUY:TLT"))
    noise.spoilt.clear()
    listed = await client.get_open_orders("DU1")
    await client.get_fills("DU1")

    assert [each.order_ref for each in listed] == ["event-1:1:BUY:TLT"]
    assert await client.place_order(order(order_ref="event-2:1:BUY:TLT"))


@pytest.mark.parametrize("kind", [b"61", b"63"])
async def test_an_account_that_cannot_be_read_is_incomplete(client: IBKRClient, noise: Noise, kind: bytes) -> None:
    """A position or figure that was lost is not taken for none."""
    noise.spoilt.add(kind)

    with pytest.raises(SnapshotIncomplete, match="cannot be decoded"):
        await client.get_account_snapshot("DU1")


async def test_executions_that_cannot_be_read_are_incomplete(client: IBKRClient, order: Ask, noise: Noise) -> None:
    """Fills that were lost are not taken for none."""
    await client.await_order(await client.place_order(order()), timeout_seconds=2)
    noise.spoilt.add(b"11")

    with pytest.raises(BrokerAPIError, match="execDetails"):
        await client.get_fills("DU1")


async def test_a_lost_status_is_asked_for(client: IBKRClient, order: Ask, noise: Noise) -> None:
    """The order is looked up in the lists, after which trading goes on."""
    noise.spoilt.add(b"3")
    placed = await client.place_order(order())
    result = await client.await_order(placed, timeout_seconds=2)

    assert (result.status, result.filled_quantity) == (OrderStatus.FILLED, 10)


async def test_a_lost_status_in_a_list_of_orders_spoils_the_list(client: IBKRClient, order: Ask, noise: Noise) -> None:
    """An order that rests may have filled in part: until statuses can be read nothing is listed and nothing placed."""
    await client.await_order(await client.place_order(resting(order)), timeout_seconds=0.2)
    noise.spoilt.add(b"3")
    with pytest.raises(BrokerAPIError, match="orderStatus"):
        await client.get_open_orders("DU1")
    with pytest.raises(BrokerAPIError, match="was not sent"):
        await client.place_order(order(order_ref="event-2:1:BUY:TLT"))
    noise.spoilt.clear()

    (listed,) = await client.get_open_orders("DU1")

    assert (listed.order_ref, listed.filled_quantity) == ("event-1:1:BUY:TLT", 0)


async def test_an_order_that_is_told_to_live_and_not_listed_spoils_the_list(
    client: IBKRClient, order: Ask, noise: Noise
) -> None:
    """Its openOrder message vanished without a trace; its status did not."""
    await client.await_order(await client.place_order(resting(order)), timeout_seconds=0.2)
    noise.hidden.add(b"5")

    with pytest.raises(BrokerAPIError, match="not listed"):
        await client.get_open_orders("DU1")


@pytest.mark.parametrize("kind", [b"3", b"5"])
async def test_noise_that_passes_is_made_good_by_a_second_list(
    client: IBKRClient, order: Ask, noise: Noise, kind: bytes
) -> None:
    """One garbled message costs one more question, and no attempt of an event."""
    await client.await_order(await client.place_order(resting(order)), timeout_seconds=0.2)
    noise.spoilt_once.add(kind)

    (listed,) = await client.get_open_orders("DU1")
    await client.get_fills("DU1")

    assert listed.order_ref == "event-1:1:BUY:TLT"
    assert await client.place_order(order(order_ref="event-2:1:BUY:TLT"))


@pytest.mark.parametrize("kind", [b"3", b"5"])
async def test_noise_while_connecting_is_not_forgotten(
    client: IBKRClient, order: Ask, noise: Noise, kind: bytes
) -> None:
    """An order of the session before may be the one that could not be read."""
    await client.await_order(await client.place_order(resting(order)), timeout_seconds=0.2)
    await client.disconnect()
    noise.spoilt_once.add(kind)
    await client.connect()
    with pytest.raises(BrokerAPIError, match="was not sent"):
        await client.place_order(order(order_ref="event-2:1:BUY:TLT"))

    (listed,) = await client.get_open_orders("DU1")
    await client.get_fills("DU1")

    assert listed.order_ref == "event-1:1:BUY:TLT"
    assert await client.place_order(order(order_ref="event-2:1:BUY:TLT"))


async def test_details_that_cannot_be_read_are_no_unknown_symbol(client: IBKRClient, noise: Noise) -> None:
    """Nor are the other contracts of the symbol all that there are."""
    noise.spoilt.add(b"10")

    with pytest.raises(BrokerAPIError, match="contractDetails") as caught:
        await client.get_trading_hours(["TLT"])

    assert not isinstance(caught.value, ContractUnknown)


async def test_an_ended_order_that_cannot_be_read_proves_nothing(
    client: IBKRClient, world: World, gateway: GatewayServer, order: Ask, noise: Noise
) -> None:
    """It was cancelled in an outage; only the list of ended orders tells, as soon as it can be read."""
    order_id = await client.place_order(resting(order))
    await client.await_order(order_id, timeout_seconds=0.2)
    noise.spoilt.add(b"101")
    gateway.broadcast(1100)
    world.cancel_everything(77)
    await client.await_order(order_id, timeout_seconds=0.2)
    gateway.broadcast(1102)
    unproved = await client.await_order(order_id, timeout_seconds=1)
    noise.spoilt.clear()
    gateway.broadcast(1100)
    gateway.broadcast(1102)

    assert not unproved.status.is_final
    assert (await client.await_order(order_id, timeout_seconds=5)).status is OrderStatus.CANCELLED


@pytest.mark.parametrize(
    ("kind", "is_doubtful"), [(3, True), (4, True), (5, True), (11, True), (-1, True), (61, False)]
)
async def test_a_loss_that_may_concern_an_order_puts_it_in_doubt(kind: int, *, is_doubtful: bool) -> None:
    """An error that was lost may have been its rejection: it is asked for."""
    settings = IBKRConnectionSettings(host="127.0.0.1", port=1, client_id=5, trading_mode="paper")
    session = GatewaySession(settings, lambda: datetime(2026, 11, 20, tzinfo=UTC))
    record = OrderRecord(
        key=OrderKey(5, 1), account_id="DU1", symbol="TLT", side=Side.BUY, quantity=Decimal(1), order_ref="a"
    )
    session.orders.add(record)

    session.receive(Undecodable(kind, "message", "garbled"))

    assert record.is_doubtful is is_doubtful


@pytest.mark.parametrize("kind", [b"61", b"63"])
async def test_what_is_lost_about_one_account_leaves_the_others_alone(
    client: IBKRClient, world: World, noise: Noise, kind: bytes
) -> None:
    """Accounts of one login do not stop each other."""
    world.deposit("DU2", Decimal(1))
    noise.spoilt_of = "DU1"
    noise.spoilt.add(kind)

    assert (await client.get_account_snapshot("DU2")).cash == 5001
    with pytest.raises(SnapshotIncomplete, match="cannot be decoded"):
        await client.get_account_snapshot("DU1")
