"""Orders over the wire: filling, resting, changing, being refused."""

import asyncio
from decimal import Decimal

import pytest
from ib_async import LimitOrder, MarketOrder, Order, Stock
from ib_async.wrapper import RequestError

from sandbox.testing import RunningSandbox, running_sandbox, until_status

SPY = Stock("SPY", "SMART", "USD")


def buy(quantity: float = 10, **more: object) -> Order:
    """A market order that says everything that an order should."""
    return MarketOrder("BUY", quantity, **{"account": "DU1", "tif": "DAY", "orderRef": "event-1"} | more)


async def test_a_market_order_fills_at_the_ask_and_moves_cash_and_position(sandbox: RunningSandbox) -> None:
    """Status, execution, commission, position and cash all agree."""
    sandbox.world.set_market("SPY", spread=Decimal(1))
    ib = await sandbox.connect()

    trade = await until_status(ib.placeOrder(SPY, buy(10)), "Filled")
    state = sandbox.world.account_state("DU1")

    assert trade.orderStatus.avgFillPrice == 500.5
    assert [fill.execution.orderRef for fill in trade.fills] == ["event-1"]
    assert [entry.status for entry in trade.log if not entry.message] == [
        "PendingSubmit",
        "PreSubmitted",
        "Submitted",
        "Filled",
    ]
    assert state.cash == 100_000 - 5005
    assert [(p.symbol, p.quantity) for p in state.positions] == [("SPY", 10)]


async def test_a_limit_order_rests_until_the_price_comes(sandbox: RunningSandbox) -> None:
    """It fills at the market's price, not at its limit."""
    ib = await sandbox.connect()
    trade = await until_status(
        ib.placeOrder(SPY, LimitOrder("BUY", 5, 495, account="DU1", tif="GTC")),
        "Submitted",
    )

    sandbox.world.set_price("SPY", sandbox.world.price_of("SPY") - 10)

    await until_status(trade, "Filled")
    assert trade.orderStatus.avgFillPrice == 490


async def test_a_resting_order_can_be_changed_by_its_own_number(sandbox: RunningSandbox) -> None:
    """The second placeOrder of a number is a modification and is journalled as one."""
    ib = await sandbox.connect()
    order = LimitOrder("BUY", 5, 400, account="DU1", tif="DAY")
    trade = await until_status(ib.placeOrder(SPY, order), "Submitted")

    order.lmtPrice = 501
    ib.placeOrder(SPY, order)

    await until_status(trade, "Filled")
    assert [entry.kind for entry in sandbox.world.journal.of("place_order", "modify_order")] == [
        "place_order",
        "modify_order",
    ]


async def test_a_changed_order_must_stay_the_same_trade(sandbox: RunningSandbox) -> None:
    """Another contract under the same number is refused with 105, and the order stays as it was."""
    ib = await sandbox.connect()
    order = LimitOrder("BUY", 5, 80, account="DU1", tif="DAY")
    await until_status(ib.placeOrder(SPY, order), "Submitted")

    ib.placeOrder(Stock("TLT", "SMART", "USD"), order)
    await ib.reqCurrentTimeAsync()

    assert sandbox.codes == [105]
    assert [open_order.symbol for open_order in sandbox.world.open_orders()] == ["SPY"]


async def test_a_partial_fill_rests_with_the_remainder(sandbox: RunningSandbox) -> None:
    """Exactly the scripted quantity fills; the rest stays open."""
    sandbox.world.add_fault({"kind": "partial_fill", "quantity": 4})
    ib = await sandbox.connect()
    trade = ib.placeOrder(SPY, buy(10))
    await sandbox.world.journal.until(lambda entry: entry.kind == "fill")
    await ib.reqCurrentTimeAsync()

    assert (trade.orderStatus.status, trade.filled(), trade.remaining()) == ("Submitted", 4, 6)
    assert [trade.order.permId for trade in ib.openTrades()] == [trade.order.permId]


async def test_the_rest_of_a_partial_fill_may_follow(sandbox: RunningSandbox) -> None:
    """Two executions with ids of their own make up the order."""
    sandbox.world.add_fault({"kind": "partial_fill", "quantity": 4, "rest_after_ms": 10})
    ib = await sandbox.connect()

    trade = await until_status(ib.placeOrder(SPY, buy(10)), "Filled")

    assert [fill.execution.shares for fill in trade.fills] == [4, 6]
    assert [fill.execution.cumQty for fill in trade.fills] == [4, 10]
    assert len({fill.execution.execId for fill in trade.fills}) == 2


async def test_a_rejection_is_an_error_first_and_then_inactive(sandbox: RunningSandbox) -> None:
    """The client's own view goes from the error's Cancelled to the status Inactive; the words arrive."""
    sandbox.world.add_fault({"kind": "reject", "code": 201, "text": "Order rejected - reason:no permission"})
    ib = await sandbox.connect()

    trade = await until_status(ib.placeOrder(SPY, buy()), "Inactive")

    assert [entry.status for entry in trade.log] == ["PendingSubmit", "Cancelled", "Inactive"]
    assert trade.log[1].message.endswith("reason:no permission")
    assert sandbox.codes == [201]


async def test_a_blank_time_in_force_is_set_to_day_with_a_message_that_cancels_nothing(sandbox: RunningSandbox) -> None:
    """The client believes the order cancelled for a moment, yet it fills."""
    ib = await sandbox.connect()

    trade = await until_status(ib.placeOrder(SPY, buy(tif="")), "Filled")

    assert sandbox.codes == [10349]
    assert "Cancelled" in [entry.status for entry in trade.log]
    assert trade.filled() == 10


async def test_an_execution_may_be_told_twice(sandbox: RunningSandbox) -> None:
    """Both messages carry the same id, so the client counts it once."""
    sandbox.world.add_fault({"kind": "duplicate_execution"})
    ib = await sandbox.connect()

    trade = await until_status(ib.placeOrder(SPY, buy(10)), "Filled")

    assert trade.filled() == 10
    assert sandbox.world.account_state("DU1").positions[0].quantity == 10


async def test_a_correction_comes_under_the_next_revision(sandbox: RunningSandbox) -> None:
    """The id ends in .02 instead of .01, and the account follows the corrected price."""
    sandbox.world.add_fault({"kind": "correct_execution", "price": 499})
    ib = await sandbox.connect()
    trade = ib.placeOrder(SPY, buy(10))
    await sandbox.world.journal.until(lambda entry: entry.kind == "correction")
    await ib.reqCurrentTimeAsync()

    first, second = (fill.execution for fill in trade.fills)
    assert first.execId.endswith(".01")
    assert second.execId == first.execId[:-2] + "02"
    assert sandbox.world.account_state("DU1").cash == 100_000 - 4990
    assert len(sandbox.world.account_state("DU1").fills) == 1


async def test_a_bust_comes_under_the_next_revision_without_shares(sandbox: RunningSandbox) -> None:
    """The account is as if it had never traded, and whoever asks for the day's executions is told both."""
    ib = await sandbox.connect()
    trade = await until_status(ib.placeOrder(SPY, buy(10)), "Filled")

    sandbox.world.bust_last_fill("DU1")
    told = await ib.reqExecutionsAsync()

    account, (first, bust) = sandbox.world.account_state("DU1"), (fill.execution for fill in told)
    assert first.execId == trade.fills[0].execution.execId
    assert (bust.execId, bust.shares) == (first.execId[:-2] + "02", 0)
    assert (account.cash, account.fills) == (100_000, ())


async def test_a_fill_without_status_is_told_by_the_execution_alone(sandbox: RunningSandbox) -> None:
    """The order's last status stays the first one."""
    sandbox.world.add_fault({"kind": "skip_status"})
    ib = await sandbox.connect()
    trade = ib.placeOrder(SPY, buy(10))
    await sandbox.world.journal.until(lambda entry: entry.kind == "fill")
    await ib.reqCurrentTimeAsync()

    assert trade.orderStatus.status == "PreSubmitted"
    assert trade.filled() == 10


async def test_an_unanswered_order_shows_only_in_the_executions(sandbox: RunningSandbox) -> None:
    """No message tells of it, but it was filled and carries its reference."""
    sandbox.world.add_fault({"kind": "no_answer", "fills": True})
    ib = await sandbox.connect()
    trade = ib.placeOrder(SPY, buy(10))
    await sandbox.world.journal.until(lambda entry: entry.kind == "fill")
    fills = await ib.reqExecutionsAsync()

    assert trade.orderStatus.status == "PendingSubmit"
    assert [fill.execution.orderRef for fill in fills] == ["event-1"]


async def test_an_order_may_never_be_answered_nor_live(sandbox: RunningSandbox) -> None:
    """Neither a message nor an execution nor an open order comes of it."""
    sandbox.world.add_fault({"kind": "no_answer"})
    ib = await sandbox.connect()
    ib.placeOrder(SPY, buy(10))

    assert await ib.reqExecutionsAsync() == []
    assert sandbox.world.account_state("DU1").positions == ()


async def test_filled_may_be_told_before_the_execution(sandbox: RunningSandbox) -> None:
    """For a moment the order is Filled without any fill."""
    sandbox.world.add_fault({"kind": "status_before_execution", "after_ms": 20})
    ib = await sandbox.connect()

    trade = await until_status(ib.placeOrder(SPY, buy(10)), "Filled")

    assert trade.fills == []
    await asyncio.wait_for(trade.fillEvent, 2)
    assert trade.filled() == 10


async def test_the_connection_may_be_cut_right_after_an_order(sandbox: RunningSandbox) -> None:
    """The order lives on; a client that comes back finds its execution."""
    sandbox.world.add_fault({"kind": "disconnect", "when": "placed"})
    ib = await sandbox.connect()
    gone = asyncio.Event()
    ib.disconnectedEvent += gone.set

    ib.placeOrder(SPY, buy(10))

    await asyncio.wait_for(gone.wait(), 2)
    again = await sandbox.connect(client_id=2)
    assert [fill.execution.orderRef for fill in again.fills()] == ["event-1"]


async def test_a_what_if_answers_margins_and_places_nothing(sandbox: RunningSandbox) -> None:
    """The journal knows a question, not an order."""
    ib = await sandbox.connect()

    state = await ib.whatIfOrderAsync(SPY, buy(10))

    assert float(state.initMarginChange) == 2500
    assert state.warningText == ""
    assert sandbox.world.journal.of("place_order") == []
    assert sandbox.world.account_state("DU1").open_orders == ()


async def test_a_what_if_beyond_the_account_is_refused(sandbox: RunningSandbox) -> None:
    """As the order itself would be: with an error of its number, and without margins."""
    ib = await sandbox.connect()
    ib.RaiseRequestErrors = True

    with pytest.raises(RequestError) as caught:
        await ib.whatIfOrderAsync(SPY, buy(100_000))

    assert caught.value.code == 201
    assert sandbox.world.account_state("DU1").open_orders == ()


async def test_a_correction_on_demand_reaches_the_owner(sandbox: RunningSandbox) -> None:
    """The latest execution gets its next revision, and the cash follows."""
    ib = await sandbox.connect()
    await until_status(ib.placeOrder(SPY, buy(10)), "Filled")

    sandbox.world.correct_last_fill("DU1", Decimal(499))

    fills = sandbox.world.account_state("DU1").fills
    assert [fill.price for fill in fills][-1:] == [Decimal(499)]
    assert sandbox.world.account_state("DU1").cash == 100_000 - 4990


@pytest.mark.parametrize(
    ("contract", "order", "code"),
    [
        (Stock("SPY", "", "USD"), buy(), 321),
        (Stock("SPY", "ARCA", "USD"), buy(), 10311),
        (Stock("NOPE", "SMART", "USD"), buy(), 200),
        (SPY, buy(0), 434),
        (SPY, buy(1.5), 10243),
        (SPY, buy(account="U999"), 436),
        (SPY, buy(tif="GTD"), 111),
        (SPY, Order(action="BUY", totalQuantity=1, orderType="MOC", tif="GTC", account="DU1"), 113),
        (SPY, Order(action="BUY", totalQuantity=1, orderType="TRAIL", tif="DAY", account="DU1"), 387),
        (SPY, LimitOrder("BUY", 1, 500.001, account="DU1", tif="DAY"), 110),
        (SPY, buy(100_000), 201),
    ],
)
async def test_what_a_gateway_refuses(sandbox: RunningSandbox, contract: Stock, order: Order, code: int) -> None:
    """Each mistake has its own code, and no order comes to the market."""
    ib = await sandbox.connect()

    ib.placeOrder(contract, order)
    await ib.reqCurrentTimeAsync()

    assert sandbox.codes == [code]
    assert sandbox.world.journal.of("order_accepted") == []


async def test_several_accounts_need_the_order_to_name_one() -> None:
    """On a login with several accounts a blank account is refused."""
    async with running_sandbox(accounts=[{"id": "DU1"}, {"id": "DU2"}]) as sandbox:
        ib = await sandbox.connect()

        ib.placeOrder(SPY, buy(account=""))
        await ib.reqCurrentTimeAsync()

        assert sandbox.codes == [435]


async def test_a_used_up_order_id_is_refused(sandbox: RunningSandbox) -> None:
    """A number of an order that is done means nothing new."""
    ib = await sandbox.connect()
    trade = await until_status(ib.placeOrder(SPY, buy()), "Filled")
    other = await sandbox.connect(client_id=2)
    await until_status(other.placeOrder(SPY, buy(orderId=trade.order.orderId + 50)), "Filled")

    other.placeOrder(SPY, buy(orderId=3))
    await other.reqCurrentTimeAsync()

    assert sandbox.codes == [103]


async def test_a_read_only_interface_refuses_orders_with_its_own_words(sandbox: RunningSandbox) -> None:
    """The code is 321, which the client takes for a mere warning."""
    ib = await sandbox.connect()
    sandbox.world.set_read_only(True)

    trade = ib.placeOrder(SPY, buy())
    await ib.reqCurrentTimeAsync()

    assert "Read-Only mode" in sandbox.errors[0][2]
    assert trade.orderStatus.status == "ValidationError"
    assert sandbox.world.open_orders() == []


async def test_a_read_only_interface_does_not_list_orders_at_connect(sandbox: RunningSandbox) -> None:
    """A client that asks for open orders while it connects waits in vain."""
    sandbox.world.set_read_only(True)

    with pytest.raises(ConnectionError):
        await sandbox.connect(timeout_seconds=0.2)

    assert 321 in sandbox.codes
