"""Who hears of whose orders as they happen."""

from datetime import timedelta
from decimal import Decimal

from ib_async import ExecutionFilter

from sandbox.testing import RunningSandbox, running_sandbox


async def test_client_zero_hears_of_orders_by_hand_at_once(sandbox: RunningSandbox) -> None:
    """They are bound as they appear, and filled before its eyes."""
    zero = await sandbox.connect(client_id=0)

    sandbox.world.place_manual_order(account="DU1", symbol="SPY", side="BUY", quantity=Decimal(3))
    await sandbox.world.journal.until(lambda entry: entry.kind == "fill")
    await zero.reqCurrentTimeAsync()

    (trade,) = zero.trades()
    assert trade.order.orderId < 0
    assert (trade.orderStatus.status, trade.filled()) == ("Filled", 3)


async def test_the_master_client_hears_of_all_orders() -> None:
    """It sees what it cannot touch."""
    async with running_sandbox(master_client_id=9) as sandbox:
        master = await sandbox.connect(client_id=9)

        sandbox.world.place_foreign_order(77, account="DU1", symbol="SPY", side="BUY", quantity=Decimal(3))
        await sandbox.world.journal.until(lambda entry: entry.kind == "fill")
        await master.reqCurrentTimeAsync()

        (trade,) = master.trades()
        assert (trade.order.clientId, trade.orderStatus.status, trade.filled()) == (77, "Filled", 3)


async def test_nobody_else_hears_of_foreign_orders(sandbox: RunningSandbox) -> None:
    """Positions move without any word of an order."""
    ib = await sandbox.connect(client_id=1)

    sandbox.world.place_foreign_order(77, account="DU1", symbol="SPY", side="BUY", quantity=Decimal(3))
    await sandbox.world.journal.until(lambda entry: entry.kind == "fill")
    await ib.reqCurrentTimeAsync()

    assert ib.trades() == []
    assert [position.position for position in ib.positions()] == [3]


async def test_executions_can_be_filtered(sandbox: RunningSandbox) -> None:
    """By client, account, symbol, side and time, whose zone may be written in several ways."""
    for client_id, symbol in ((7, "SPY"), (8, "TLT")):
        sandbox.world.place_foreign_order(client_id, account="DU1", symbol=symbol, side="BUY", quantity=Decimal(1))
    await sandbox.world.journal.until(lambda entry: entry.kind == "fill" and entry.symbol == "TLT")
    ib = await sandbox.connect()

    async def found(**wanted: object) -> list[str]:
        fills = await ib.reqExecutionsAsync(ExecutionFilter(**wanted))  # pyright: ignore[reportArgumentType] - by name
        return [fill.contract.symbol for fill in fills]

    ago = sandbox.world.parts.now() - timedelta(minutes=1)
    assert await found() == ["SPY", "TLT"]
    assert await found(clientId=8) == ["TLT"]
    assert await found(symbol="SPY", side="BUY", acctCode="DU1") == ["SPY"]
    assert await found(side="SELL") == []
    assert await found(time="20991231 00:00:00") == []
    assert await found(time=f"{ago:%Y%m%d-%H:%M:%S}") == ["SPY", "TLT"]
    assert await found(time=f"{ago:%Y%m%d %H:%M:%S} UTC", clientId=7) == ["SPY"]
    assert await found(time=f"{ago + timedelta(hours=1):%Y%m%d %H:%M:%S} UTC") == []
