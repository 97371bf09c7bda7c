"""Every version of the protocol between the oldest and the latest: both sides agree on every field."""

import logging

import pytest
from ib_async import LimitOrder, MarketOrder, Stock

from sandbox.gateway.layout import LATEST_VERSION, OLDEST_VERSION
from sandbox.testing import RunningSandbox, until_status

SPY = Stock("SPY", "SMART", "USD")


@pytest.mark.parametrize("version", range(OLDEST_VERSION, LATEST_VERSION + 1))
async def test_all_messages_decode(sandbox: RunningSandbox, caplog: pytest.LogCaptureFixture, version: int) -> None:
    """Orders, executions, contracts, quotes and bars arrive whole; the client logs no decoding error."""
    caplog.set_level(logging.ERROR, "ib_async.Decoder")
    ib = await sandbox.connect(version=version)

    filled = await until_status(ib.placeOrder(SPY, MarketOrder("BUY", 3, account="DU1", tif="DAY")), "Filled")
    resting = LimitOrder("BUY", 1, 400.25, account="DU1", tif="GTC", orderRef="rest", outsideRth=True)
    await until_status(ib.placeOrder(SPY, resting), "Submitted")
    asked = await ib.whatIfOrderAsync(SPY, MarketOrder("BUY", 2, account="DU1", tif="DAY"))
    (done,) = await ib.reqCompletedOrdersAsync(apiOnly=False)
    (details,) = await ib.reqContractDetailsAsync(SPY)
    samples = await ib.reqMatchingSymbolsAsync("SP")
    again = await sandbox.connect(client_id=2, version=version)
    (listed,) = await again.reqAllOpenOrdersAsync()

    assert ib.client.serverVersion() == version
    assert filled.filled() == 3
    assert float(asked.initMarginChange) == 500
    assert (done.order.filledQuantity, done.orderStatus.status) == (3, "Filled")
    assert (details.liquidHours.count(";"), details.stockType) == (5, "ETF")
    assert [sample.contract.symbol for sample in samples or [] if sample.contract] == ["SPY"]
    assert (listed.order.lmtPrice, listed.order.tif, listed.order.outsideRth) == (400.25, "GTC", True)
    assert (listed.order.orderRef, listed.order.account) == ("rest", "DU1")
    assert [record.message for record in caplog.records] == []
