"""Cancelling our own orders over a gateway, until it is certain."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from broker_connector_base import CancellationUnconfirmed, OrderRequest, OrderStatus
from ibkr_connector import IBKRClient
from sandbox.gateway import GatewayServer
from sandbox.world import World

Ask = Callable[..., OrderRequest]
Connect = Callable[..., Awaitable[IBKRClient]]


async def _working(client: IBKRClient, world: World, request: OrderRequest) -> str:
    number = world.add_fault({"kind": "slow_fill", "times": 2})
    order_id = await client.place_order(request)
    result = await client.await_order(order_id, timeout_seconds=0.05)
    world.clear_faults(number)
    assert result.status is OrderStatus.WORKING
    return order_id


async def test_a_working_order_is_cancelled(client: IBKRClient, world: World, order: Ask) -> None:
    """A confirmed cancellation is final and leaves no open order."""
    order_id = await _working(client, world, order())

    status = await client.cancel_order(order_id, timeout_seconds=2)

    assert status is OrderStatus.CANCELLED
    assert await client.get_open_orders("DU1") == ()
    assert (await client.await_order(order_id, timeout_seconds=1)).status is OrderStatus.CANCELLED


async def test_a_partial_fill_survives_the_cancellation(client: IBKRClient, world: World, order: Ask) -> None:
    """Of 10 shares 4 fill; the other 6 are cancelled, and the result says both."""
    world.add_fault({"kind": "partial_fill", "quantity": 4})
    order_id = await client.place_order(order())
    await client.await_order(order_id, timeout_seconds=0.5)

    status = await client.cancel_order(order_id, timeout_seconds=2)
    result = await client.await_order(order_id, timeout_seconds=1)

    assert (status, result.status) == (OrderStatus.CANCELLED, OrderStatus.CANCELLED)
    assert result.filled_quantity == Decimal(4)


async def test_a_fill_may_win_the_race(client: IBKRClient, world: World, order: Ask) -> None:
    """An order that fills while its cancellation is under way is filled, and the caller is told so."""
    order_id = await _working(client, world, order())
    world.add_fault({"kind": "fill_during_cancel"})

    status = await client.cancel_order(order_id, timeout_seconds=2)

    assert status is OrderStatus.FILLED
    assert (await client.await_order(order_id, timeout_seconds=1)).filled_quantity == Decimal(10)


async def test_a_filled_order_is_not_cancelled(client: IBKRClient, world: World, order: Ask) -> None:
    """Cancelling what is already final sends nothing."""
    order_id = await client.place_order(order())
    await client.await_order(order_id, timeout_seconds=2)

    assert await client.cancel_order(order_id, timeout_seconds=2) is OrderStatus.FILLED
    assert world.journal.of("cancel_order") == []


async def test_pending_cancel_is_not_cancelled(client: IBKRClient, world: World, order: Ask) -> None:
    """As long as the exchange has not confirmed, the order may fill: no confirmation is an error."""
    order_id = await _working(client, world, order())
    world.add_fault({"kind": "slow_cancel"})

    with pytest.raises(CancellationUnconfirmed, match=rf"{order_id}.*DU1.*PendingCancel"):
        await client.cancel_order(order_id, timeout_seconds=0.2)

    assert await client.get_order_status(order_id) is OrderStatus.WORKING
    (still_open,) = await client.get_open_orders("DU1")
    assert still_open.status is OrderStatus.WORKING


async def test_a_confirmation_that_was_lost_is_asked_for(
    client: IBKRClient, world: World, gateway: GatewayServer, order: Ask
) -> None:
    """When the broker's word got lost, the lists tell at the deadline that the order is over."""
    order_id = await _working(client, world, order())
    gateway.broadcast(1100)

    assert await client.cancel_order(order_id, timeout_seconds=0.2) is OrderStatus.CANCELLED


async def test_cancelling_twice_is_one_cancellation(client: IBKRClient, world: World, order: Ask) -> None:
    """The second request is answered with 10148, which is no failure: both callers learn the end."""
    order_id = await _working(client, world, order())
    world.add_fault({"kind": "slow_cancel", "after_ms": 300})

    statuses = await asyncio.gather(*(client.cancel_order(order_id, timeout_seconds=2) for _ in range(2)))

    assert statuses == [OrderStatus.CANCELLED, OrderStatus.CANCELLED]


async def test_open_orders_are_those_of_the_account(client: IBKRClient, world: World, order: Ask) -> None:
    """Orders of other accounts are not listed."""
    order_id = await _working(client, world, order())

    assert [each.order_id for each in await client.get_open_orders("DU1")] == [order_id]
    assert await client.get_open_orders("DU2") == ()


async def test_an_unknown_order_cannot_be_confirmed(client: IBKRClient, world: World) -> None:
    """An id that no list shows may still be alive somewhere: that is not a success."""
    with pytest.raises(CancellationUnconfirmed, match="5:4711"):
        await client.cancel_order("5:4711", timeout_seconds=1)

    assert world.journal.of("cancel_order") == []


async def test_a_leftover_of_an_earlier_session_is_cancelled(
    open_client: Connect, client: IBKRClient, world: World, order: Ask
) -> None:
    """After a reconnect under the same id, a known order id is enough to cancel."""
    order_id = await _working(client, world, order())
    await client.disconnect()
    second = await open_client()

    assert await second.cancel_order(order_id, timeout_seconds=2) is OrderStatus.CANCELLED


async def test_silence_about_an_order_confirms_nothing(client: IBKRClient, world: World, order: Ask) -> None:
    """No word, no listing and no execution are no confirmation."""
    world.add_fault({"kind": "no_answer"})
    order_id = await client.place_order(order())
    await client.await_order(order_id, timeout_seconds=0.05)

    with pytest.raises(CancellationUnconfirmed):
        await client.cancel_order(order_id, timeout_seconds=0.5)
