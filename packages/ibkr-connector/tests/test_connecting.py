"""Opening, losing and ending a session."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from broker_connector_base import BrokerConnectionError, ClientIdInUse, OrderRequest, OrderStatus, OrderType
from ibkr_connector import IBKRClient
from sandbox.gateway import GatewayServer
from sandbox.world import World

Connect = Callable[..., Awaitable[IBKRClient]]
Make = Callable[..., IBKRClient]


def _frame(*fields: str) -> bytes:
    payload = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(payload)) + payload


async def test_a_connected_client_knows_its_accounts(client: IBKRClient) -> None:
    """After connecting, accounts are known and the connection is healthy."""
    health = client.health()

    assert await client.get_managed_accounts() == {"DU1", "DU2"}
    assert health.connected
    assert not health.read_only
    assert health.last_heard_at is not None


async def test_connecting_twice_does_nothing(client: IBKRClient, gateway: GatewayServer) -> None:
    """A second connect keeps the session that is open."""
    await asyncio.gather(client.connect(), client.connect())

    assert gateway.client_ids == (5,)


async def test_a_refused_port_is_tried_three_times_at_fixed_delays(
    make_client: Make, gateway: GatewayServer, pauses: list[float]
) -> None:
    """Without a gateway the client gives up after its tries and names the address."""
    await gateway.go_down()
    client = make_client(connect_delay_seconds=5.0)

    with pytest.raises(BrokerConnectionError, match=rf"127\.0\.0\.1:{gateway.port}.*3 tries"):
        await client.connect()

    assert pauses == [5.0, 5.0]
    assert not client.health().connected


async def test_a_gateway_that_comes_up_between_tries_is_reached(gateway: GatewayServer, make_client: Make) -> None:
    """The second try succeeds when the gateway is back by then."""
    await gateway.go_down()

    async def pause(_seconds: float) -> None:
        await gateway.come_up()

    client = make_client(pause=pause)

    await client.connect()

    assert client.health().connected
    await client.disconnect()


async def test_a_client_id_in_use_is_named_and_tried_again(
    client: IBKRClient, make_client: Make, gateway: GatewayServer, pauses: list[float]
) -> None:
    """Another session under our id is waited for at fixed delays, never evaded by taking another id."""
    second = make_client(connect_timeout_seconds=30.0, connect_delay_seconds=5.0)

    with pytest.raises(ClientIdInUse, match=r"client id 5 is in use by another session .* 3 tries"):
        await second.connect()

    assert pauses == [5.0, 5.0]
    assert gateway.client_ids == (5,)
    assert client.health().connected


async def test_a_client_id_that_becomes_free_is_taken(client: IBKRClient, make_client: Make) -> None:
    """The gateway may remember our last session for a moment: the next try with the same id succeeds."""

    async def pause(_seconds: float) -> None:
        await client.disconnect()

    second = make_client(pause=pause)

    await second.connect()

    assert second.health().connected
    await second.disconnect()


async def test_a_refusal_is_believed_before_the_line_is_cut(make_client: Make) -> None:
    """The gateway's word that the id is in use is enough, also where it leaves the connection open."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"API\0")
        writer.write(_frame("178", "20261120 12:00:00 UTC"))
        writer.write(_frame("4", "2", "-1", "326", "Unable to connect as the client id is already in use.", ""))
        await reader.read()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    client = make_client(port=server.sockets[0].getsockname()[1], connect_timeout_seconds=30.0)

    with pytest.raises(ClientIdInUse, match="client id 5"):
        await asyncio.wait_for(client.connect(), 2)

    server.close()
    await server.wait_closed()


async def test_a_silent_gateway_does_not_connect(make_client: Make, gateway: GatewayServer) -> None:
    """A gateway that accepts and says nothing is given up after the timeout."""
    gateway.freeze()
    client = make_client(connect_tries=1, connect_timeout_seconds=0.2)

    with pytest.raises(BrokerConnectionError, match=r"0\.2 s"):
        await client.connect()


async def test_a_cut_connection_is_noticed(client: IBKRClient, gateway: GatewayServer) -> None:
    """When the gateway cuts the connection, waiters return, requests fail, and connecting again works."""
    lost = asyncio.ensure_future(client.wait_until_lost())
    await gateway.drop_connections()
    await asyncio.wait_for(lost, 2)

    with pytest.raises(BrokerConnectionError):
        await client.get_account_snapshot("DU1")

    await client.connect()
    assert (await client.get_account_snapshot("DU1")).account_id == "DU1"


async def test_a_cut_fails_what_is_pending(client: IBKRClient, gateway: GatewayServer) -> None:
    """A request under way fails when the connection is cut, long before its own timeout."""
    gateway.freeze()
    pending = asyncio.ensure_future(client.get_account_snapshot("DU1"))
    await asyncio.wait({pending}, timeout=0.05)
    await gateway.drop_connections()

    with pytest.raises(BrokerConnectionError):
        await asyncio.wait_for(pending, 1)


async def test_disconnecting_orphans_nobody(
    client: IBKRClient, gateway: GatewayServer, world: World, order: Callable[..., OrderRequest]
) -> None:
    """Our own disconnect ends pending requests and followed orders with an error, not with silence."""
    world.add_fault({"kind": "slow_fill"})
    order_id = await client.place_order(order())
    following = asyncio.ensure_future(client.await_order(order_id, timeout_seconds=30))
    await asyncio.wait({following}, timeout=0.05)
    gateway.freeze()
    reading = asyncio.ensure_future(client.get_open_orders("DU1"))
    await asyncio.wait({reading}, timeout=0.05)
    await client.disconnect()

    with pytest.raises(BrokerConnectionError):
        await asyncio.wait_for(following, 1)
    with pytest.raises(BrokerConnectionError):
        await asyncio.wait_for(reading, 1)
    await asyncio.wait_for(client.wait_until_lost(), 1)
    assert not client.health().connected


async def test_orders_outlive_a_disconnect(
    open_client: Connect, world: World, order: Callable[..., OrderRequest]
) -> None:
    """An order placed before a disconnect is found again under the same client id, by its reference, as ours."""
    world.add_fault({"kind": "slow_fill"})
    first = await open_client()
    order_id = await first.place_order(order())
    await first.await_order(order_id, timeout_seconds=0.05)
    await first.disconnect()
    second = await open_client()

    (found,) = await second.get_open_orders("DU1")

    assert (found.order_id, found.order_ref, found.is_ours) == (order_id, order().order_ref, True)
    assert await second.cancel_order(order_id, timeout_seconds=2) is OrderStatus.CANCELLED


async def test_a_read_only_gateway_can_be_read_and_says_so(world: World, open_client: Connect) -> None:
    """A read-only API refuses the list of orders already while connecting; accounts still can be read."""
    world.set_read_only(True)
    client = await open_client()

    snapshot = await client.get_account_snapshot("DU1")

    assert snapshot.cash == 100_000
    assert client.health().read_only


async def test_a_half_open_connection_is_given_up(open_client: Connect, gateway: GatewayServer) -> None:
    """A gateway that stops answering without closing the connection is found out by the heartbeat."""
    client = await open_client(heartbeat_seconds=0.1, request_timeout_seconds=0.1)
    gateway.freeze()

    await asyncio.wait_for(client.wait_until_lost(), 3)

    assert not client.health().connected
    assert "current time" in client.health().detail


async def test_a_living_gateway_survives_its_heartbeats(open_client: Connect, gateway: GatewayServer) -> None:
    """Silence alone is no reason to give up: an answer is enough, until one day there is none."""
    client = await open_client(heartbeat_seconds=0.05, request_timeout_seconds=0.5)
    first_heard = client.health().last_heard_at
    lost = asyncio.ensure_future(client.wait_until_lost())
    await asyncio.wait({lost}, timeout=0.3)
    health, was_lost = client.health(), lost.done()
    gateway.freeze()

    await asyncio.wait_for(lost, 3)

    assert not was_lost
    assert first_heard is not None
    assert health.last_heard_at is not None
    assert health.last_heard_at > first_heard


async def test_a_lost_brokerage_shows_in_health(client: IBKRClient, gateway: GatewayServer) -> None:
    """1100 means that the gateway itself is cut off; 1102 that it is back."""
    gateway.broadcast(1100)
    await client.get_fills("DU1")
    during = client.health()
    gateway.broadcast(1102)
    await client.get_fills("DU1")

    assert not during.connected
    assert "1100" in during.detail
    assert client.health().connected
    assert client.health().detail == ""


async def test_nothing_works_before_connecting(make_client: Make) -> None:
    """Without a session everything says that there is none, and the wait for its loss is over."""
    client = make_client()

    await client.wait_until_lost()
    await client.disconnect()

    with pytest.raises(BrokerConnectionError, match="not connected"):
        await client.get_managed_accounts()
    assert client.health().detail == "not connected"


async def test_a_daily_restart_loses_nothing(
    client: IBKRClient, world: World, gateway: GatewayServer, order: Callable[..., OrderRequest]
) -> None:
    """The gateway goes away and comes back: what filled meanwhile is found by its reference."""
    world.set_price("TLT", Decimal(95))
    resting = order(order_type=OrderType.LIMIT, limit_price=Decimal(90))
    order_id = await client.place_order(resting)
    await client.await_order(order_id, timeout_seconds=0.1)
    await gateway.go_down()
    await asyncio.wait_for(client.wait_until_lost(), 2)
    world.set_price("TLT", Decimal(89))
    with pytest.raises(BrokerConnectionError):
        await client.await_order(order_id, timeout_seconds=1)
    await gateway.come_up()

    await client.connect()
    snapshot, (fill,) = await asyncio.gather(client.get_account_snapshot("DU1"), client.get_fills("DU1"))

    assert (fill.order_ref, fill.quantity) == (resting.order_ref, 10)
    assert [held.quantity for held in snapshot.positions if held.symbol == "TLT"] == [10]
    assert await client.get_open_orders("DU1") == ()
