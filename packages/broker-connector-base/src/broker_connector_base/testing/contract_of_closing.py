# ruff: noqa: S101 - assertions are what a test suite consists of
"""Orders for the closing auction, and executions that are corrected afterwards."""

from decimal import Decimal

import pytest

from broker_connector_base.base_client import BrokerClient
from broker_connector_base.errors import BrokerConnectionError
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

    async def test_executions_are_heard_without_anybody_waiting_for_their_orders(
        self, client: BrokerClient, world: ExtendedBrokerWorld
    ) -> None:
        """What is known at first, what comes, and what is corrected; each once."""
        heard = client.hear_fills()
        await client.place_order(market_order(Side.BUY, "SPY", 1))
        at_the_close = market_order(Side.BUY, "TLT", 10).model_copy(update={"order_type": OrderType.MARKET_ON_CLOSE})

        first = await anext(heard)
        await client.await_order(await client.place_order(at_the_close), timeout_seconds=SOON)
        world.close_market()
        second = await anext(heard)
        world.correct_last_fill(MARGIN_ACCOUNT, Decimal(89))
        third = await anext(heard)

        assert [(fill.symbol, fill.quantity) for fill in (first, second, third)] == [
            ("SPY", 1),
            ("TLT", 10),
            ("TLT", 10),
        ]
        assert (second.order_ref, third.order_ref) == (at_the_close.order_ref, at_the_close.order_ref)
        assert third.replaces == (second.exec_id,)

    async def test_a_new_session_tells_the_executions_of_the_day(
        self, client: BrokerClient, world: ExtendedBrokerWorld
    ) -> None:
        """Those of before it included; the old session ends with an error."""
        heard = client.hear_fills()
        await client.place_order(market_order(Side.BUY, "SPY", 1))
        before = await anext(heard)

        await world.break_connections()
        with pytest.raises(BrokerConnectionError):
            await anext(heard)
        await client.connect()

        assert await anext(client.hear_fills()) == before

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
        assert len(fill.replaces) == 1
        assert (await client.await_order(order_id, timeout_seconds=LATE)).fills == (fill,)
        assert abs(cash - 99_110) <= 1

    async def test_a_busted_execution_never_took_place(self, client: BrokerClient, world: ExtendedBrokerWorld) -> None:
        """It is heard of and found without shares, with the id that it takes back; its order is over without it."""
        heard = client.hear_fills()
        order_id = await client.place_order(market_order(Side.BUY, "TLT", 10))
        first = await anext(heard)
        before = await client.await_order(order_id, timeout_seconds=LATE)

        world.bust_last_fill(MARGIN_ACCOUNT)
        bust = await anext(heard)
        (found,) = await client.get_fills(MARGIN_ACCOUNT)
        after = await client.await_order(order_id, timeout_seconds=LATE)
        cash = await client.await_cash(MARGIN_ACCOUNT, at_least=Decimal(99_995), timeout_seconds=LATE)

        assert (before.status, before.filled_quantity) == (OrderStatus.FILLED, 10)
        assert (bust.quantity, bust.replaces) == (0, (first.exec_id,))
        assert (found.exec_id, found.quantity) == (bust.exec_id, 0)
        assert (after.status, after.fills, after.cash_effect) == (OrderStatus.CANCELLED, (), 0)
        assert abs(cash - 100_000) <= 1
