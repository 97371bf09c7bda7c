# ruff: noqa: S101 - assertions are what a test suite consists of
"""Orders for the closing auction, and executions that are corrected afterwards."""

from decimal import Decimal

from broker_connector_base.base_client import BrokerClient
from broker_connector_base.models import OrderStatus, OrderType, Side
from broker_connector_base.testing.contract_of_orders import LATE, SOON, market_order
from broker_connector_base.testing.world import MARGIN_ACCOUNT, ExtendedBrokerWorld


class ClosingContract:
    """The end of a trading day."""

    async def test_a_market_on_close_order_waits_for_the_close(
        self, client: BrokerClient, world: ExtendedBrokerWorld
    ) -> None:
        """It is open, then filled."""
        request = market_order(Side.BUY, "TLT", 10).model_copy(update={"order_type": OrderType.MARKET_ON_CLOSE})

        order_id = await client.place_order(request)
        before = await client.await_order(order_id, timeout_seconds=SOON)
        (listed,) = await client.get_open_orders(MARGIN_ACCOUNT)
        world.close_market()
        after = await client.await_order(order_id, timeout_seconds=LATE)

        assert (before.status, before.filled_quantity) == (OrderStatus.WORKING, 0)
        assert (listed.order_id, listed.order_type) == (order_id, "MOC")
        assert (after.status, after.filled_quantity) == (OrderStatus.FILLED, 10)

    async def test_a_market_on_close_order_can_be_cancelled(self, client: BrokerClient) -> None:
        """As long as the brokerage takes cancellations of it."""
        request = market_order(Side.BUY, "TLT", 10).model_copy(update={"order_type": OrderType.MARKET_ON_CLOSE})
        order_id = await client.place_order(request)

        assert await client.cancel_order(order_id, timeout_seconds=LATE) is OrderStatus.CANCELLED

    async def test_a_corrected_execution_replaces_the_first_report(
        self, client: BrokerClient, world: ExtendedBrokerWorld
    ) -> None:
        """Ten shares stay ten; the price is the corrected one, and so is the cash."""
        order_id = await client.place_order(market_order(Side.BUY, "TLT", 10))
        await client.await_order(order_id, timeout_seconds=LATE)

        world.correct_last_fill(MARGIN_ACCOUNT, Decimal(89))
        (fill,) = await client.get_fills(MARGIN_ACCOUNT)
        cash = await client.await_cash(MARGIN_ACCOUNT, at_least=Decimal(99_105), timeout_seconds=LATE)

        assert (fill.quantity, fill.price) == (10, 89)
        assert (await client.await_order(order_id, timeout_seconds=LATE)).fills == (fill,)
        assert abs(cash - 99_110) <= 1
