# ruff: noqa: S101 - assertions are what a test suite consists of
"""What becomes of orders."""

from decimal import Decimal

import pytest

from broker_connector_base.base_client import BrokerClient
from broker_connector_base.errors import (
    AccountRefused,
    CancellationUnconfirmed,
    ContractUnknown,
)
from broker_connector_base.models import OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from broker_connector_base.testing.world import CASH_ACCOUNT, MARGIN_ACCOUNT, BrokerWorld

SOON = 0.3
"""A deadline that is meant to pass, in seconds."""
LATE = 10.0
"""A deadline that is not."""


def market_order(
    side: Side, symbol: str, quantity: int, *, account_id: str = MARGIN_ACCOUNT, attempt: int = 1
) -> OrderRequest:
    """An order at the market for the day."""
    return OrderRequest(
        account_id=account_id,
        symbol=symbol,
        side=side,
        quantity=quantity,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        order_ref=f"event-1:{attempt}:{side}:{symbol}",
    )


class OrderContract:
    """Placing, following and cancelling."""

    async def test_an_order_is_placed_and_filled(self, client: BrokerClient) -> None:
        """Its fill tells quantity, price, side and our reference, and the position is there."""
        request = market_order(Side.BUY, "TLT", 10)

        order_id = await client.place_order(request)
        result = await client.await_order(order_id, timeout_seconds=LATE)

        snapshot = await client.get_account_snapshot(MARGIN_ACCOUNT)
        assert (result.order_id, result.request, result.status) == (order_id, request, OrderStatus.FILLED)
        assert (result.filled_quantity, result.remaining_quantity) == (10, 0)
        assert {(fill.order_ref, fill.side, fill.symbol) for fill in result.fills} == {
            (request.order_ref, Side.BUY, "TLT")
        }
        assert abs(result.cash_effect + 900) <= 1
        assert {held.symbol: held.quantity for held in snapshot.positions} == {"SPY": 100, "TLT": 10}
        assert await client.get_order_status(order_id) is OrderStatus.FILLED

    async def test_an_order_without_a_permit_does_not_leave(self, client: BrokerClient) -> None:
        """The permit is asked for once the order could leave; its reason is told, and the next order is free to go."""
        request = market_order(Side.SELL, "SPY", 10)

        def refuse() -> None:
            raise PermissionError("the lease has ended")

        with pytest.raises(PermissionError, match="the lease has ended"):
            await client.place_order(request, permit=refuse)
        order_id = await client.place_order(market_order(Side.BUY, "TLT", 1))
        await client.await_order(order_id, timeout_seconds=LATE)

        assert [fill.symbol for fill in await client.get_fills(MARGIN_ACCOUNT)] == ["TLT"]
        assert await client.get_open_orders(MARGIN_ACCOUNT) == ()

    async def test_the_proceeds_of_a_sell_arrive(self, client: BrokerClient) -> None:
        """Whoever waits for them gets the new figure."""
        order_id = await client.place_order(market_order(Side.SELL, "SPY", 10))
        result = await client.await_order(order_id, timeout_seconds=LATE)

        expected = 100_000 + result.cash_effect
        cash = await client.await_cash(MARGIN_ACCOUNT, at_least=expected, timeout_seconds=LATE)

        assert cash == expected

    async def test_what_is_held_after_a_sell_contains_it(self, client: BrokerClient) -> None:
        """Further orders are sized on it."""
        await client.get_account_snapshot(MARGIN_ACCOUNT)
        order_id = await client.place_order(market_order(Side.SELL, "SPY", 10))
        await client.await_order(order_id, timeout_seconds=LATE)

        held = await client.get_positions_after_trading(MARGIN_ACCOUNT, timeout_seconds=LATE)

        assert {each.symbol: each.quantity for each in held} == {"SPY": 90}

    async def test_a_partial_fill_is_told_at_the_deadline_and_the_rest_cancelled(
        self, client: BrokerClient, world: BrokerWorld
    ) -> None:
        """The deadline cancels nothing by itself; after the cancellation nothing changes any more."""
        world.fill_next_partly("SPY", Side.SELL, Decimal(4))
        order_id = await client.place_order(market_order(Side.SELL, "SPY", 10))

        at_deadline = await client.await_order(order_id, timeout_seconds=SOON)
        final_status = await client.cancel_order(order_id, timeout_seconds=LATE)
        afterwards = await client.await_order(order_id, timeout_seconds=LATE)

        assert (at_deadline.status, at_deadline.filled_quantity) == (OrderStatus.WORKING, 4)
        assert final_status is OrderStatus.CANCELLED
        assert (afterwards.status, afterwards.filled_quantity, afterwards.remaining_quantity) == (final_status, 4, 6)
        assert await client.get_open_orders(MARGIN_ACCOUNT) == ()

    async def test_cancelling_a_filled_order_says_that_it_filled(self, client: BrokerClient) -> None:
        """A fill that won the race is no failure."""
        order_id = await client.place_order(market_order(Side.BUY, "TLT", 1))
        await client.await_order(order_id, timeout_seconds=LATE)

        assert await client.cancel_order(order_id, timeout_seconds=LATE) is OrderStatus.FILLED

    async def test_a_rejection_keeps_the_words_of_the_brokerage(self, client: BrokerClient, world: BrokerWorld) -> None:
        """They go into the audit; the account is as before."""
        world.reject_next("SPY", Side.SELL, "No trading permissions for this contract")

        order_id = await client.place_order(market_order(Side.SELL, "SPY", 10))
        result = await client.await_order(order_id, timeout_seconds=LATE)

        assert (result.status, result.fills) == (OrderStatus.REJECTED, ())
        assert "No trading permissions for this contract" in result.message
        assert await client.get_fills(MARGIN_ACCOUNT) == ()

    async def test_a_limit_away_from_the_market_stays_open(self, client: BrokerClient) -> None:
        """It is listed with our reference and may be cancelled by us."""
        request = market_order(Side.BUY, "TLT", 10).model_copy(
            update={"order_type": OrderType.LIMIT, "limit_price": Decimal(80)}
        )

        order_id = await client.place_order(request)
        result = await client.await_order(order_id, timeout_seconds=SOON)
        (listed,) = await client.get_open_orders(MARGIN_ACCOUNT)

        assert (result.status, result.filled_quantity) == (OrderStatus.WORKING, 0)
        assert (listed.order_id, listed.order_ref, listed.is_ours) == (order_id, request.order_ref, True)
        assert (listed.symbol, listed.side, listed.quantity, listed.filled_quantity) == ("TLT", Side.BUY, 10, 0)
        assert await client.get_open_orders(CASH_ACCOUNT) == ()

    async def test_an_order_of_somebody_else_is_listed(self, client: BrokerClient, world: BrokerWorld) -> None:
        """With its owner's name, and not as one of ours."""
        world.place_foreign_order(MARGIN_ACCOUNT, "SPY", Side.SELL, 5)

        (foreign,) = await client.get_open_orders(MARGIN_ACCOUNT)

        assert (foreign.symbol, foreign.side, foreign.quantity) == ("SPY", Side.SELL, 5)
        assert not foreign.is_ours
        assert foreign.owner

    async def test_an_unknown_order_is_refused(self, client: BrokerClient) -> None:
        """Nobody can say that it will never fill."""
        with pytest.raises(CancellationUnconfirmed):
            await client.cancel_order("no such order", timeout_seconds=SOON)
        with pytest.raises(KeyError):
            await client.get_order_status("no such order")

    async def test_fills_are_found_by_reference_once_each(self, client: BrokerClient) -> None:
        """However often they are asked for, and on their own account only."""
        requests = [market_order(Side.BUY, "TLT", 3), market_order(Side.BUY, "TLT", 4, attempt=2)]
        for request in requests:
            await client.await_order(await client.place_order(request), timeout_seconds=LATE)

        await client.get_fills(MARGIN_ACCOUNT)
        fills = await client.get_fills(MARGIN_ACCOUNT)

        quantities = {fill.order_ref: fill.quantity for fill in fills}
        assert quantities == {requests[0].order_ref: 3, requests[1].order_ref: 4}
        assert len({fill.exec_id for fill in fills}) == len(fills) == len(requests)
        assert await client.get_fills(CASH_ACCOUNT) == ()

    async def test_an_order_for_an_account_of_somebody_else_is_refused(self, client: BrokerClient) -> None:
        """Before anything is sent."""
        with pytest.raises(AccountRefused):
            await client.place_order(market_order(Side.BUY, "TLT", 1, account_id="DU999"))

    async def test_an_order_for_an_unknown_symbol_is_refused(self, client: BrokerClient) -> None:
        """Before anything is sent."""
        with pytest.raises(ContractUnknown):
            await client.place_order(market_order(Side.BUY, "NOSUCH", 1))

        assert await client.get_open_orders(MARGIN_ACCOUNT) == ()
