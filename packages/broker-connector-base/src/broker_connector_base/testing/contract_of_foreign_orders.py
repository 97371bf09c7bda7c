# ruff: noqa: S101 - assertions are what a test suite consists of
"""Orders of others on our accounts: cancelled through their owners, or named."""

import pytest

from broker_connector_base.base_client import BrokerClient
from broker_connector_base.errors import ForeignOrderOpen
from broker_connector_base.models import OrderStatus, Side
from broker_connector_base.testing.contract_of_orders import LATE, market_order
from broker_connector_base.testing.world import CASH_ACCOUNT, MARGIN_ACCOUNT, ExtendedBrokerWorld


class ForeignOrderContract:
    """Other programs and people."""

    async def test_an_order_of_another_program_is_cancelled(
        self, client: BrokerClient, world: ExtendedBrokerWorld
    ) -> None:
        """Through its owner's id; the same of another account is left alone."""
        world.place_foreign_order(MARGIN_ACCOUNT, "SPY", Side.SELL, 5)
        world.place_foreign_order(CASH_ACCOUNT, "TLT", Side.BUY, 5)
        (foreign,) = await client.get_open_orders(MARGIN_ACCOUNT)

        status = await client.cancel_order(foreign.order_id, timeout_seconds=LATE)

        assert status is OrderStatus.CANCELLED
        assert await client.get_open_orders(MARGIN_ACCOUNT) == ()
        assert len(await client.get_open_orders(CASH_ACCOUNT)) == 1

    async def test_an_order_placed_by_hand_is_cancelled(self, client: BrokerClient, world: ExtendedBrokerWorld) -> None:
        """It is nobody's program's, and bound to an id for the purpose."""
        world.place_order_by_hand(MARGIN_ACCOUNT, "SPY", Side.SELL, 5)
        (by_hand,) = await client.get_open_orders(MARGIN_ACCOUNT)

        status = await client.cancel_order(by_hand.order_id, timeout_seconds=LATE)

        assert not by_hand.is_ours
        assert status is OrderStatus.CANCELLED
        assert await client.get_open_orders(MARGIN_ACCOUNT) == ()

    async def test_our_own_orders_survive_the_cancellation_of_others(
        self, client: BrokerClient, world: ExtendedBrokerWorld
    ) -> None:
        """Numbers of orders are counted by each owner for itself: the first of each is number one."""
        world.leave_next_open("SPY", Side.BUY)
        own_id = await client.place_order(market_order(Side.BUY, "SPY", 1))
        world.place_foreign_order(MARGIN_ACCOUNT, "SPY", Side.SELL, 5)
        foreign = next(order for order in await client.get_open_orders(MARGIN_ACCOUNT) if not order.is_ours)

        await client.cancel_order(foreign.order_id, timeout_seconds=LATE)

        assert [order.order_id for order in await client.get_open_orders(MARGIN_ACCOUNT)] == [own_id]

    async def test_an_owner_that_is_connected_cannot_be_stood_in_for(
        self, client: BrokerClient, world: ExtendedBrokerWorld
    ) -> None:
        """The order is named and stays open."""
        world.place_foreign_order(MARGIN_ACCOUNT, "SPY", Side.SELL, 5)
        (foreign,) = await client.get_open_orders(MARGIN_ACCOUNT)
        await world.occupy_foreign_id()

        with pytest.raises(ForeignOrderOpen, match="in use") as caught:
            await client.cancel_order(foreign.order_id, timeout_seconds=LATE)

        assert foreign.order_id in str(caught.value)
        assert [order.order_id for order in await client.get_open_orders(MARGIN_ACCOUNT)] == [foreign.order_id]
