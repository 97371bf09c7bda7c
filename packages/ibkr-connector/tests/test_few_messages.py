"""What is known, or told without being asked for, is not asked for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal

import pytest

from broker_connector_base import OrderRequest, OrderStatus, Side
from ibkr_connector import IBKRClient
from sandbox.gateway import GatewayServer
from sandbox.world import World

Ask = Callable[..., OrderRequest]
Connect = Callable[..., Awaitable[IBKRClient]]


@pytest.fixture
async def lone_world() -> AsyncIterator[World]:
    """A login with one account: its figures are pushed after trades."""
    world = World.from_dict(
        {
            "accounts": [{"id": "DU1", "cash": "100000", "positions": [{"symbol": "SPY", "quantity": "100"}]}],
            "instruments": [{"symbol": "SPY", "price": "500"}, {"symbol": "TLT", "price": "90"}],
            "commission": {"minimum": "1"},
        },
    )
    yield world
    world.close()


@pytest.fixture
async def lone(lone_world: World, open_client: Connect) -> AsyncIterator[IBKRClient]:
    """A client of that login."""
    async with GatewayServer(lone_world) as gateway:
        client = await open_client(port=gateway.port)
        yield client
        await client.disconnect()


def _asked(world: World, message: str) -> int:
    return sum(entry.details["message"] == message for entry in world.journal.of("request"))


async def _trade(client: IBKRClient, request: OrderRequest) -> None:
    result = await client.await_order(await client.place_order(request), timeout_seconds=5)
    assert result.status is OrderStatus.FILLED


async def test_executions_are_asked_for_once_for_a_snapshot_and_fills(client: IBKRClient, world: World) -> None:
    """Those asked for after the positions answer both; alone, each asks for itself."""
    before = _asked(world, "EXECUTIONS")

    await asyncio.gather(client.get_account_snapshot("DU1"), client.get_fills("DU1"))
    together = _asked(world, "EXECUTIONS") - before
    await client.get_account_snapshot("DU1")
    await client.get_fills("DU1")

    assert together == 1
    assert _asked(world, "EXECUTIONS") - before == 3


async def test_fills_are_told_although_the_snapshot_beside_them_fails(
    open_client: Connect, world: World, order: Ask
) -> None:
    """Who counted on the executions after its positions asks for them alone."""
    client = await open_client()
    await _trade(client, order())
    reading = asyncio.ensure_future(client.get_account_snapshot("DU1"))
    fills = asyncio.ensure_future(client.get_fills("DU1"))
    world.set_latency({"reply_ms": 20})
    await asyncio.wait({reading}, timeout=0.005)

    reading.cancel()

    assert [fill.symbol for fill in await asyncio.wait_for(fills, 5)] == ["TLT"]


async def test_no_more_summaries_are_subscribed_to_than_allowed(client: IBKRClient, world: World) -> None:
    """Two at a time; an answered one makes room for the next, and until then costs no message."""
    for account in ("DU1", "DU2", "DU1"):
        await client.get_account_snapshot(account)
    one_after_another = _asked(world, "CANCEL_ACCOUNT_SUMMARY")
    await asyncio.gather(*(client.get_account_snapshot(account) for account in ("DU1", "DU2", "DU1", "DU2")))

    assert one_after_another == 1
    assert _asked(world, "ACCOUNT_SUMMARY") == 7
    assert _asked(world, "CANCEL_ACCOUNT_SUMMARY") == 5


async def test_summaries_are_given_back_when_nobody_needs_their_place(client: IBKRClient, world: World) -> None:
    """A subscription that nobody reads is not kept for ever."""
    await client.get_account_snapshot("DU1")
    at_once = _asked(world, "CANCEL_ACCOUNT_SUMMARY")

    async with asyncio.timeout(10):
        await world.journal.until(lambda entry: entry.details.get("message") == "CANCEL_ACCOUNT_SUMMARY")

    assert at_once == 0


async def test_cash_that_is_pushed_is_not_asked_for(lone: IBKRClient, lone_world: World, order: Ask) -> None:
    """After a sale the gateway tells the account's cash by itself."""
    await _trade(lone, order(symbol="SPY", side=Side.SELL))
    asked = _asked(lone_world, "ACCOUNT_SUMMARY")

    cash = await lone.await_cash("DU1", at_least=Decimal(104_999), timeout_seconds=5)

    assert cash == 104_999
    assert _asked(lone_world, "ACCOUNT_SUMMARY") == asked


async def test_cash_pushed_before_the_last_order_counts_for_nothing(
    lone: IBKRClient, lone_world: World, order: Ask
) -> None:
    """It may have been more than there is now."""
    await _trade(lone, order())
    await lone.get_account_snapshot("DU1")
    lone_world.add_fault({"kind": "slow_fill", "symbol": "SPY", "side": "SELL", "times": 1})
    await lone.place_order(order(symbol="SPY", side=Side.SELL, order_ref="event-1:1:SELL:SPY"))
    asked = _asked(lone_world, "ACCOUNT_SUMMARY")

    await lone.await_cash("DU1", at_least=Decimal(50_000), timeout_seconds=5)

    assert _asked(lone_world, "ACCOUNT_SUMMARY") == asked + 1


async def test_the_account_after_trading_is_known_by_pushes(lone: IBKRClient, lone_world: World, order: Ask) -> None:
    """Without a question, it is what a snapshot would be."""
    await lone.get_account_snapshot("DU1")
    await _trade(lone, order())
    before = len(lone_world.journal.of("request"))

    after = await lone.get_account_after_trading("DU1")
    asked = len(lone_world.journal.of("request")) - before
    snapshot = await lone.get_account_snapshot("DU1")

    assert asked == 0
    assert after.model_copy(update={"taken_at": snapshot.taken_at}) == snapshot
    assert {each.symbol: each.quantity for each in after.positions} == {"SPY": 100, "TLT": 10}
    assert after.cash == 100_000 - 901


async def test_figures_that_are_not_pushed_are_asked_for(client: IBKRClient, world: World, order: Ask) -> None:
    """With several accounts nothing but positions comes by itself."""
    await client.get_account_snapshot("DU1")
    await _trade(client, order())
    positions = _asked(world, "POSITIONS")

    after = await client.get_account_after_trading("DU1")

    assert after.cash == Decimal("99098.9")
    assert _asked(world, "POSITIONS") == positions


async def test_an_account_that_lags_is_read_like_any_other(lone: IBKRClient, lone_world: World, order: Ask) -> None:
    """Pushes that come late do not make a report of before the trade."""
    await lone.get_account_snapshot("DU1")
    lone_world.set_latency({"account_lag_ms": 300})
    await _trade(lone, order())

    after = await lone.get_account_after_trading("DU1")

    assert {each.symbol: each.quantity for each in after.positions} == {"SPY": 100, "TLT": 10}
    assert after.cash == 100_000 - 901
