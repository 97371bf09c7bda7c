"""An order leaves in the step in which its permit was given, however long it waited for its turn."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from ib_async import Contract

from broker_connector_base import BrokerConnectionError, OrderRequest
from ibkr_connector import IBKRClient, IBKRConnectionSettings
from ibkr_connector.connection import open_session
from ibkr_connector.pace import MOST_MESSAGES
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession
from sandbox.gateway import GatewayServer
from sandbox.world import World

Ask = Callable[..., OrderRequest]
Connect = Callable[..., Awaitable[IBKRClient]]

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
SPY = Contract(symbol="SPY", secType="STK", exchange="SMART", currency="USD")

FRAME = (50_000).to_bytes(4, "big") + 50_000 * b"\0"
"""A large message without a meaning."""


class LeaseOverError(Exception):
    """What a permit raises once it has been withdrawn."""


class Permit:
    """A permit that can be withdrawn, and knows how often it was asked for."""

    def __init__(self) -> None:
        self.is_valid = True
        self.asked = 0

    def __call__(self) -> None:
        """Count, and refuse what may not leave any more."""
        self.asked += 1
        if not self.is_valid:
            raise LeaseOverError


def spend_the_pace(client: IBKRClient) -> None:
    """As if so much had just been sent, and nothing of it answered, that no more may leave for two seconds."""
    line: Any = client._line  # pyright: ignore[reportPrivateUsage] - what lies below the client
    for _ in range(MOST_MESSAGES):
        line.session.pace.wrote(None, "", asyncio.get_running_loop().time())


def let_time_pass(client: IBKRClient) -> None:
    """As if those two seconds were over."""
    line: Any = client._line  # pyright: ignore[reportPrivateUsage] - what lies below the client
    line.session.pace._recent.clear()
    line.session.raw._write_out()


@pytest.fixture
async def ready(client: IBKRClient, order: Ask) -> IBKRClient:
    """A client that has the details of TLT, so that an order for it waits for its turn alone."""
    placed = await client.place_order(order(order_ref="warm"))
    await client.await_order(placed, timeout_seconds=5)
    return client


@pytest.fixture
async def session(gateway: GatewayServer) -> AsyncGenerator[GatewaySession]:
    """A bare connection."""
    settings = IBKRConnectionSettings(host="127.0.0.1", port=gateway.port, client_id=5, trading_mode="paper")
    session = await open_session(settings, now=lambda: NOW, pause=_no_pause)
    yield session
    await session.close("done")


def sent(world: World) -> list[str]:
    """References of the orders that reached the gateway, but the first."""
    return [entry.order_ref for entry in world.journal.of("place_order")][1:]


async def test_a_permit_that_ends_while_the_order_waits_keeps_it_back(
    ready: IBKRClient, world: World, order: Ask
) -> None:
    """The permit is asked for when the order's turn has come; an order with a permit of its own goes after it."""
    permit, other = Permit(), Permit()
    spend_the_pace(ready)
    waiting = asyncio.ensure_future(ready.place_order(order(), permit=permit))
    following = asyncio.ensure_future(ready.place_order(order(order_ref="event-1:1:BUY:other"), permit=other))
    await asyncio.wait({waiting}, timeout=0.2)
    asked_early = permit.asked

    permit.is_valid = False
    let_time_pass(ready)
    with pytest.raises(LeaseOverError):
        await waiting
    await ready.await_order(await following, timeout_seconds=5)

    assert (asked_early, permit.asked, other.asked) == (0, 1, 1)
    assert sent(world) == ["event-1:1:BUY:other"]


async def test_an_order_that_is_given_up_while_it_waits_never_leaves(
    ready: IBKRClient, world: World, order: Ask
) -> None:
    """A cancelled attempt takes its place in the line with it, and holds up nobody."""
    spend_the_pace(ready)
    waiting = asyncio.ensure_future(ready.place_order(order()))
    await asyncio.wait({waiting}, timeout=0.1)

    waiting.cancel()
    other = asyncio.ensure_future(ready.place_order(order(order_ref="event-1:1:BUY:other")))
    await asyncio.wait({waiting, other}, timeout=0.1)
    let_time_pass(ready)
    await ready.await_order(await other, timeout_seconds=5)

    assert sent(world) == ["event-1:1:BUY:other"]


async def test_a_connection_that_ends_while_the_order_waits_is_told(
    ready: IBKRClient, gateway: GatewayServer, world: World, order: Ask
) -> None:
    """Nothing was sent, and nothing is asked for."""
    permit = Permit()
    spend_the_pace(ready)
    waiting = asyncio.ensure_future(ready.place_order(order(), permit=permit))
    await asyncio.wait({waiting}, timeout=0.1)

    await gateway.drop_connections()
    with pytest.raises(BrokerConnectionError):
        await waiting

    assert permit.asked == 0
    assert sent(world) == []


async def test_orders_leave_before_what_waited_longer(session: GatewaySession) -> None:
    """Their turn comes with the first place that is free."""
    requests = Requests(session)
    asking = [asyncio.ensure_future(requests.contract_details(SPY)) for _ in range(MOST_MESSAGES + 20)]
    await asyncio.wait(asking, timeout=0)

    async with session.raw.turn():
        answered = sum(each.done() for each in asking)
    await asyncio.gather(*asking)

    assert answered <= MOST_MESSAGES


async def test_a_cancellation_leaves_before_orders_that_wait(session: GatewaySession) -> None:
    """What stands at the brokerage may fill at any moment; what has not left yet does no harm."""
    requests = Requests(session)
    asking = [asyncio.ensure_future(requests.contract_details(SPY)) for _ in range(MOST_MESSAGES + 20)]
    await asyncio.wait(asking, timeout=0)
    session.raw.cancelOrder(4711)

    async with session.raw.turn():
        waiting = [message.split("\0")[0] for message in session.raw._outbox]
    await asyncio.gather(*asking)

    assert "9" in waiting
    assert "4" not in waiting


async def test_a_turn_waits_until_the_system_has_taken_everything(
    session: GatewaySession, gateway: GatewayServer
) -> None:
    """What is written behind bytes that have not left the process would leave later, unseen."""
    gateway.freeze()  # it still reads, whenever this test waits
    transport = session.raw.conn.transport
    transport.write(1000 * FRAME)
    at_first = transport.get_write_buffer_size()

    async with session.raw.turn():
        at_the_turn = transport.get_write_buffer_size()

    assert at_first > 0
    assert at_the_turn == 0


async def _no_pause(_seconds: float) -> None:
    raise AssertionError("connected at the first try")
