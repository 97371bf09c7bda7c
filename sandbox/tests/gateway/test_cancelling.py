"""Cancelling: own orders, others' orders, orders by hand, slow acknowledgements."""

from decimal import Decimal
from typing import Any

from ib_async import IB, LimitOrder, Order, Stock, Trade

from sandbox.testing import RunningSandbox, running_sandbox, until_status

SPY = Stock("SPY", "SMART", "USD")
RESTING: Any = {"symbol": "SPY", "side": "BUY", "quantity": Decimal(1), "limit_price": Decimal(400)}
"""An order that no price will reach."""


async def resting(ib: IB) -> Trade:
    """An order of this client that no price will reach."""
    order = LimitOrder("BUY", 5, 400, account="DU1", tif="GTC", orderRef="rest")
    return await until_status(ib.placeOrder(SPY, order), "Submitted")


def cancel_again(ib: IB, trade: Trade) -> None:
    """Send what `IB.cancelOrder` holds back for orders that it believes done."""
    wire: Any = ib.client
    wire.cancelOrder(trade.order.orderId)


async def test_an_own_order_is_cancelled_with_202(sandbox: RunningSandbox) -> None:
    """PendingCancel, then the message, then the status."""
    ib = await sandbox.connect()
    trade = await resting(ib)

    ib.cancelOrder(trade.order)

    await until_status(trade, "Cancelled")
    assert sandbox.codes == [202]
    assert sandbox.world.open_orders() == []


async def test_the_order_of_another_client_is_not_found(sandbox: RunningSandbox) -> None:
    """Its number means nothing in the caller's own space, and it stays open."""
    ib = await sandbox.connect(client_id=1)
    foreign = sandbox.world.place_foreign_order(77, account="DU1", **RESTING)
    (trade,) = await ib.reqAllOpenOrdersAsync()

    ib.cancelOrder(trade.order)
    await ib.reqCurrentTimeAsync()

    assert (trade.order.clientId, trade.order.orderId) == (77, foreign.order_id)
    assert sandbox.codes == [10147]
    assert [order.status for order in sandbox.world.open_orders()] == ["Submitted"]


async def test_a_foreign_number_that_is_also_ones_own_cancels_ones_own(sandbox: RunningSandbox) -> None:
    """The trap: numbers are per client, and the wrong order goes."""
    ib = await sandbox.connect(client_id=1)
    own = await resting(ib)
    while sandbox.world.parts.book.next_id(77) < own.order.orderId:
        sandbox.world.place_foreign_order(77, account="DU1", symbol="SPY", side="BUY", quantity=Decimal(1))
    sandbox.world.place_foreign_order(77, account="DU1", **RESTING)

    ib.cancelOrder(Order(orderId=own.order.orderId, clientId=77))

    await until_status(own, "Cancelled")
    assert [order.client_id for order in sandbox.world.open_orders() if order.limit_price] == [77]


async def test_the_owner_can_cancel_over_a_connection_with_its_id(sandbox: RunningSandbox) -> None:
    """Whoever connects as 77 owns the orders of 77."""
    sandbox.world.place_foreign_order(77, account="DU1", **RESTING)
    owner = await sandbox.connect(client_id=77)
    (trade,) = owner.openTrades()

    owner.cancelOrder(trade.order)

    await until_status(trade, "Cancelled")


async def test_a_second_cancel_is_refused_while_the_first_is_pending(sandbox: RunningSandbox) -> None:
    """10148 names the state, and a slow acknowledgement still comes."""
    sandbox.world.add_fault({"kind": "slow_cancel", "after_ms": 60})
    ib = await sandbox.connect()
    trade = await resting(ib)

    ib.cancelOrder(trade.order)
    await until_status(trade, "PendingCancel")
    cancel_again(ib, trade)
    await ib.reqCurrentTimeAsync()

    assert sandbox.codes == [10148]
    assert "state: PendingCancel" in sandbox.errors[0][2]
    await sandbox.world.journal.until(lambda entry: entry.kind == "order_cancelled")


async def test_a_done_order_cannot_be_cancelled(sandbox: RunningSandbox) -> None:
    """10148 again, now with the final state."""
    ib = await sandbox.connect()
    trade = await resting(ib)
    ib.cancelOrder(trade.order)
    await until_status(trade, "Cancelled")

    cancel_again(ib, trade)
    await ib.reqCurrentTimeAsync()

    assert sandbox.codes == [202, 10148]


async def test_a_rejected_order_stays_listed_until_it_is_cancelled(sandbox: RunningSandbox) -> None:
    """Inactive is no end."""
    sandbox.world.add_fault({"kind": "reject"})
    ib = await sandbox.connect()
    order = LimitOrder("BUY", 5, 400, account="DU1", tif="GTC", orderRef="rest")
    trade = await until_status(ib.placeOrder(SPY, order), "Inactive")
    (listed,) = await ib.reqAllOpenOrdersAsync()

    cancel_again(ib, trade)
    await until_status(trade, "Cancelled")

    assert listed.order.permId == trade.order.permId
    assert await ib.reqAllOpenOrdersAsync() == []


async def test_a_cancel_may_never_be_acknowledged(sandbox: RunningSandbox) -> None:
    """The order stays in PendingCancel and in everyone's list."""
    sandbox.world.add_fault({"kind": "slow_cancel"})
    ib = await sandbox.connect()
    trade = await resting(ib)

    ib.cancelOrder(trade.order)
    await ib.reqCurrentTimeAsync()
    listed = await ib.reqAllOpenOrdersAsync()

    assert [each.orderStatus.status for each in listed] == ["PendingCancel"]


async def test_a_fill_may_overtake_the_cancel(sandbox: RunningSandbox) -> None:
    """What filled meanwhile counts; the rest is cancelled."""
    sandbox.world.add_fault({"kind": "fill_during_cancel", "quantity": 2})
    ib = await sandbox.connect()
    trade = await resting(ib)

    ib.cancelOrder(trade.order)

    await until_status(trade, "Cancelled")
    await ib.reqCurrentTimeAsync()
    assert (trade.filled(), trade.orderStatus.filled, trade.orderStatus.remaining) == (2, 2, 3)


async def test_an_order_filled_during_its_cancel_ends_filled(sandbox: RunningSandbox) -> None:
    """No cancellation follows a complete fill."""
    sandbox.world.add_fault({"kind": "fill_during_cancel"})
    ib = await sandbox.connect()
    trade = await resting(ib)

    ib.cancelOrder(trade.order)

    await until_status(trade, "Filled")
    await ib.reqCurrentTimeAsync()
    assert sandbox.codes == []


async def test_client_zero_binds_orders_placed_by_hand_and_can_cancel_them(sandbox: RunningSandbox) -> None:
    """Bound orders get a negative number in the space of client 0."""
    sandbox.world.place_manual_order(account="DU1", **RESTING)
    zero = await sandbox.connect(client_id=0)
    (trade,) = zero.openTrades()

    zero.cancelOrder(trade.order)

    await until_status(trade, "Cancelled")
    assert trade.order.orderId < 0


async def test_others_see_orders_by_hand_without_a_number(sandbox: RunningSandbox) -> None:
    """Number 0 tells that nobody but client 0 can do anything about it."""
    placed = sandbox.world.place_manual_order(account="DU1", **RESTING)
    ib = await sandbox.connect(client_id=4)

    (trade,) = await ib.reqAllOpenOrdersAsync()

    assert ib.openTrades() == [trade]
    assert (trade.order.orderId, trade.order.permId) == (0, placed.perm_id)


async def test_only_client_zero_may_bind(sandbox: RunningSandbox) -> None:
    """Others hear 327."""
    ib = await sandbox.connect(client_id=4)

    ib.reqAutoOpenOrders(True)
    await ib.reqCurrentTimeAsync()

    assert sandbox.codes == [327]


async def test_a_global_cancel_hits_every_client_and_every_account() -> None:
    """Which is why nobody should ever send it."""
    async with running_sandbox(accounts=[{"id": "DU1", "cash": 9000}, {"id": "DU2", "cash": 9000}]) as sandbox:
        for client_id, account in ((7, "DU1"), (8, "DU2")):
            sandbox.world.place_foreign_order(client_id, account=account, **RESTING)
        ib = await sandbox.connect()

        ib.reqGlobalCancel()
        await sandbox.world.journal.until(lambda entry: entry.kind == "order_cancelled" and entry.account == "DU2")

        assert sandbox.world.open_orders() == []
