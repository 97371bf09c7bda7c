"""Orders while the market is closed, at its opening and at its close."""

from datetime import timedelta
from decimal import Decimal

from ib_async import LimitOrder, MarketOrder, Order, Stock

from sandbox.testing import RunningSandbox, until_status

SPY = Stock("SPY", "SMART", "USD")


async def test_an_order_for_a_closed_market_waits_with_399(sandbox: RunningSandbox) -> None:
    """The client takes the warning for a validation error while the order lives on."""
    sandbox.world.set_hours("closed")
    ib = await sandbox.connect()

    trade = await until_status(ib.placeOrder(SPY, MarketOrder("BUY", 1, account="DU1", tif="DAY")), "ValidationError")

    assert sandbox.codes == [399]
    assert "will not be placed at the exchange until" in trade.log[-1].message
    assert [order.status for order in sandbox.world.open_orders()] == ["PreSubmitted"]


async def test_the_opening_fills_what_waited(sandbox: RunningSandbox) -> None:
    """At the price of the opening."""
    sandbox.world.set_hours("closed")
    ib = await sandbox.connect()
    trade = ib.placeOrder(SPY, MarketOrder("BUY", 1, account="DU1", tif="DAY"))
    await sandbox.world.journal.until(lambda entry: entry.kind == "order_accepted")
    sandbox.world.set_price("SPY", Decimal(510))

    sandbox.world.set_hours("always")

    await until_status(trade, "Filled")
    assert trade.orderStatus.avgFillPrice == 510


async def test_a_cancel_of_a_waiting_order_is_acknowledged_at_the_opening(sandbox: RunningSandbox) -> None:
    """Until then it is pending, and then it does not fill."""
    sandbox.world.set_hours("closed")
    ib = await sandbox.connect()
    trade = ib.placeOrder(SPY, MarketOrder("BUY", 1, account="DU1", tif="GTC"))
    await sandbox.world.journal.until(lambda entry: entry.kind == "order_accepted")

    ib.cancelOrder(trade.order)
    await ib.reqCurrentTimeAsync()
    pending = trade.orderStatus.status
    sandbox.world.set_hours("always")

    await until_status(trade, "Cancelled")
    assert pending == "PendingCancel"
    assert sandbox.world.journal.of("fill") == []


async def test_extended_hours_take_only_limit_orders_that_ask_for_them(sandbox: RunningSandbox) -> None:
    """A market order waits although it asks."""
    now, hour = sandbox.world.parts.now(), timedelta(hours=1)
    extended = f"{now - hour:%Y%m%d:%H%M}-{now + hour:%Y%m%d:%H%M}"
    closed = f"{now:%Y%m%d}:CLOSED"
    sandbox.world.set_hours(
        {"kind": "literal", "time_zone": "UTC", "trading_hours": extended, "liquid_hours": closed},
    )
    ib = await sandbox.connect()

    limit = LimitOrder("BUY", 1, 505, account="DU1", tif="DAY", outsideRth=True)
    market = MarketOrder("BUY", 1, account="DU1", tif="DAY", outsideRth=True)
    filled = await until_status(ib.placeOrder(SPY, limit), "Filled")
    waiting = ib.placeOrder(SPY, market)
    await ib.reqCurrentTimeAsync()

    assert filled.orderStatus.avgFillPrice == 500
    assert [entry.errorCode for entry in waiting.log if entry.errorCode] == [2109, 399]
    assert waiting.filled() == 0


async def test_market_on_close_rests_until_the_close(sandbox: RunningSandbox) -> None:
    """It fills when the session ends, at the last price."""
    ib = await sandbox.connect()
    order = Order(action="BUY", totalQuantity=2, orderType="MOC", tif="DAY", account="DU1")
    trade = await until_status(ib.placeOrder(SPY, order), "PreSubmitted")
    sandbox.world.set_price("SPY", Decimal(503))

    sandbox.world.set_hours("closed")

    await until_status(trade, "Filled")
    assert trade.orderStatus.avgFillPrice == 503


async def test_market_on_close_cannot_be_cancelled_after_the_cut_off(sandbox: RunningSandbox) -> None:
    """The client believes it cancelled, yet it will fill."""
    ib = await sandbox.connect()
    order = Order(action="BUY", totalQuantity=2, orderType="MOC", tif="DAY", account="DU1")
    trade = await until_status(ib.placeOrder(SPY, order), "PreSubmitted")
    soon = sandbox.world.parts.now() + timedelta(minutes=5)
    hours = f"{soon - timedelta(hours=1):%Y%m%d:%H%M}-{soon:%Y%m%d:%H%M}"
    sandbox.world.set_hours(
        {"kind": "literal", "time_zone": "UTC", "trading_hours": hours, "liquid_hours": hours},
    )

    ib.cancelOrder(trade.order)
    await ib.reqCurrentTimeAsync()

    assert sandbox.codes == [161]
    assert [open_order.status for open_order in sandbox.world.open_orders()] == ["PreSubmitted"]


async def test_day_orders_end_with_the_session_and_others_wait(sandbox: RunningSandbox) -> None:
    """DAY is cancelled, GTC stays for the next day."""
    ib = await sandbox.connect()
    day = await until_status(ib.placeOrder(SPY, LimitOrder("BUY", 1, 400, account="DU1", tif="DAY")), "Submitted")
    gtc = await until_status(ib.placeOrder(SPY, LimitOrder("BUY", 1, 400, account="DU1", tif="GTC")), "Submitted")

    sandbox.world.set_hours("closed")

    await until_status(day, "Cancelled")
    assert gtc.isActive()
