"""The vendor's own client at version 157, and two kinds of client side by side."""

from typing import Any

from ib_async import LimitOrder, Stock
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order

from sandbox.testing import RunningSandbox, connect_official, until_status


def spy() -> Any:
    """SPY as the vendor's client describes it."""
    contract: Any = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = "SPY", "STK", "SMART", "USD"
    return contract


def order(side: str, quantity: int, kind: str = "MKT", **more: Any) -> Any:
    """An order as the vendor's client describes it; its defaults of 9.81 that gateways refuse are off."""
    made: Any = Order()
    made.action, made.totalQuantity, made.orderType = side, quantity, kind
    made.tif, made.account, made.eTradeOnly, made.firmQuoteOnly = "DAY", "DU1", False, False
    for name, value in more.items():
        setattr(made, name, value)
    return made


async def test_an_order_runs_through_all_its_messages(sandbox: RunningSandbox) -> None:
    """Open order, status, execution and commission decode in the old layout."""
    async with connect_official(sandbox.gateway.port, client_id=9) as client:
        client.api.placeOrder(1, spy(), order("BUY", 3, orderRef="vendor"))

        status = await client.heard("orderStatus", "Filled")
        _, contract, execution = await client.heard("execDetails")
        report = await client.heard("commissionReport")
        opened = await client.heard("openOrder")

    assert status[:4] == (1, "Filled", 3, 0)
    assert (contract.symbol, execution.shares, execution.price, execution.orderRef) == ("SPY", 3, 500, "vendor")
    assert report[0].execId == execution.execId
    assert (opened[2].account, opened[2].orderRef, opened[2].tif) == ("DU1", "vendor", "DAY")


async def test_account_positions_and_completed_orders_decode(sandbox: RunningSandbox) -> None:
    """The long messages have the right number of fields in the old layout too."""
    async with connect_official(sandbox.gateway.port, client_id=9) as client:
        client.api.placeOrder(1, spy(), order("BUY", 3))
        await client.heard("commissionReport")
        client.api.reqPositions()
        client.api.reqAccountSummary(2, "All", "NetLiquidation")
        client.api.reqAccountUpdates(True, "DU1")
        client.api.reqCompletedOrders(False)
        client.api.reqExecutions(3, ExecutionFilter())

        position = await client.heard("position")
        summary = await client.heard("accountSummary")
        portfolio = await client.heard("updatePortfolio")
        completed = await client.heard("completedOrder")
        await client.heard("execDetailsEnd")

    assert (position[1].symbol, position[2]) == ("SPY", 3)
    assert summary[2:] == ("NetLiquidation", "100000.00", "USD")
    assert portfolio[1] == 3
    assert (completed[1].filledQuantity, completed[2].completedStatus) == (3, "Filled Size: 3")


async def test_contracts_quotes_and_bars_decode(sandbox: RunningSandbox) -> None:
    """Details with hours, ticks, and daily bars in the old layout."""
    async with connect_official(sandbox.gateway.port, client_id=9) as client:
        client.api.reqContractDetails(1, spy())
        client.api.reqMktData(2, spy(), "", True, False, [])
        client.api.reqHistoricalData(3, spy(), "", "2 D", "1 day", "TRADES", 1, 1, False, [])

        (_, details) = await client.heard("contractDetails")
        price = await client.heard("tickPrice", 2, 4)
        await client.heard("tickSnapshotEnd")
        await client.heard("historicalDataEnd")

    assert (details.contract.primaryExchange, details.stockType, details.timeZoneId) == ("ARCA", "ETF", "US/Eastern")
    assert details.liquidHours.count(";") == 5
    assert price[2] == 500


async def test_two_clients_see_but_do_not_touch_each_other(sandbox: RunningSandbox) -> None:
    """Each lists the other's order; the number of one is unknown in the space of the other."""
    ib = await sandbox.connect(client_id=1)
    mine = LimitOrder("BUY", 1, 400, account="DU1", tif="GTC", orderId=50)
    await until_status(ib.placeOrder(Stock("SPY", "SMART", "USD"), mine), "Submitted")
    async with connect_official(sandbox.gateway.port, client_id=9) as client:
        client.api.placeOrder(7, spy(), order("BUY", 1, "LMT", lmtPrice=400))
        await client.heard("orderStatus", "Submitted")
        client.api.cancelOrder(50)
        refused = await client.heard("error", 10147)
        listed = await ib.reqAllOpenOrdersAsync()
        client.api.cancelOrder(7)
        await client.heard("orderStatus", "Cancelled")

    assert refused[0] == 50
    assert sorted((t.order.clientId, t.order.orderId) for t in listed) == [(1, 50), (9, 7)]
