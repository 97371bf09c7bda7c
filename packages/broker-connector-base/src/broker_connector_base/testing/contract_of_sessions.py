# ruff: noqa: S101 - assertions are what a test suite consists of
"""How a connector's session begins and ends."""

import asyncio
from decimal import Decimal

import pytest

from broker_connector_base.base_client import BrokerClient
from broker_connector_base.errors import BrokerConnectionError
from broker_connector_base.models import OrderStatus, Side
from broker_connector_base.testing.contract_of_orders import LATE, SOON, market_order
from broker_connector_base.testing.world import MARGIN_ACCOUNT, BrokerWorld


class SessionContract:
    """Connecting, losing the connection, coming back."""

    async def test_a_client_is_connected_until_it_disconnects(self, world: BrokerWorld) -> None:
        """Doing either twice is harmless."""
        client = world.new_client()
        before = client.health().connected

        await client.connect()
        await client.connect()
        during = client.health().connected
        await client.disconnect()
        await client.disconnect()

        assert (before, during, client.health().connected) == (False, True, False)

    async def test_without_a_session_nothing_is_answered(self, world: BrokerWorld) -> None:
        """And waiting for its end is over at once."""
        client = world.new_client()

        async with asyncio.timeout(LATE):
            await client.wait_until_lost()
        with pytest.raises(BrokerConnectionError):
            await client.get_account_snapshot(MARGIN_ACCOUNT)
        with pytest.raises(BrokerConnectionError):
            await client.place_order(market_order(Side.BUY, "TLT", 1))

    async def test_a_lost_connection_is_noticed(self, client: BrokerClient, world: BrokerWorld) -> None:
        """By whoever waits for it, by questions, and in the health."""
        watching = asyncio.create_task(client.wait_until_lost())
        await world.break_connections()

        async with asyncio.timeout(LATE):
            await watching
        with pytest.raises(BrokerConnectionError):
            await client.get_account_snapshot(MARGIN_ACCOUNT)
        assert not client.health().connected

    async def test_whoever_waits_for_an_order_learns_of_the_loss(
        self, client: BrokerClient, world: BrokerWorld
    ) -> None:
        """An order's fate is then unknown, which is no status."""
        world.leave_next_open("SPY", Side.SELL)
        order_id = await client.place_order(market_order(Side.SELL, "SPY", 10))
        waiting = asyncio.create_task(client.await_order(order_id, timeout_seconds=6 * LATE))
        await client.await_order(order_id, timeout_seconds=SOON)

        await world.break_connections()

        async with asyncio.timeout(LATE):
            with pytest.raises(BrokerConnectionError):
                await waiting

    async def test_a_new_session_finds_the_orders_of_the_old_one(
        self, client: BrokerClient, world: BrokerWorld
    ) -> None:
        """They are still ours: found by reference, and cancelled."""
        world.fill_next_partly("SPY", Side.SELL, Decimal(4))
        request = market_order(Side.SELL, "SPY", 10)
        first = await client.await_order(await client.place_order(request), timeout_seconds=SOON)
        await world.break_connections()
        async with asyncio.timeout(LATE):
            await client.wait_until_lost()

        await client.connect()
        (listed,) = await client.get_open_orders(MARGIN_ACCOUNT)
        fills = await client.get_fills(MARGIN_ACCOUNT)
        status = await client.cancel_order(listed.order_id, timeout_seconds=LATE)

        assert (listed.order_ref, listed.is_ours) == (request.order_ref, True)
        assert [fill.exec_id for fill in fills] == [fill.exec_id for fill in first.fills]
        assert status is OrderStatus.CANCELLED
