"""What the paper brokerage does beyond the contract: means of an account, scripts, lagging cash, hours."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from broker_connector_base import (
    BrokerConnectionError,
    CancellationUnconfirmed,
    OrderRequest,
    OrderResult,
    OrderStatus,
    OrderType,
    PriceSource,
    PriceUnavailable,
    Side,
    TimeInForce,
    TradingSession,
)
from broker_connector_base.testing import (
    CASH_ACCOUNT,
    CONTRACT_SPEC,
    MARGIN_ACCOUNT,
    Call,
    ConnectionScript,
    FillOnCancellation,
    IgnoreCancellation,
    LeaveOpen,
    OrderScript,
    PaperBroker,
    PaperBrokerage,
    PaperQuote,
)
from broker_connector_base.testing.paper_scripts import Behaviour
from broker_connector_base.testing.standing_clock import NOON, StandingClock


@pytest.fixture
def script(brokerage: PaperBrokerage) -> Callable[[Behaviour], None]:
    """Gives the next order, whatever it is, a behaviour."""
    return lambda behaviour: brokerage.scripts.add(OrderScript(behaviour))


def order(side: Side, symbol: str, quantity: int, account_id: str = MARGIN_ACCOUNT) -> OrderRequest:
    return OrderRequest(
        account_id=account_id,
        symbol=symbol,
        side=side,
        quantity=quantity,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        order_ref=f"ref:{side}:{symbol}",
    )


async def outcome(broker: PaperBroker, request: OrderRequest) -> OrderResult:
    return await broker.await_order(await broker.place_order(request), timeout_seconds=0)


async def test_a_cash_account_gets_no_credit(broker: PaperBroker) -> None:
    """Fifty-five times 90 is 4 950 of 5 000; one more is too much for what is left."""
    bought = await outcome(broker, order(Side.BUY, "TLT", 55, CASH_ACCOUNT))
    refused = await outcome(broker, order(Side.BUY, "TLT", 1, CASH_ACCOUNT))

    assert bought.status is OrderStatus.FILLED
    assert (refused.status, refused.message) == (
        OrderStatus.REJECTED,
        "Order rejected: 90 USD needed, 50 USD available",
    )


async def test_a_cash_account_sells_only_what_it_holds(broker: PaperBroker) -> None:
    """No short sales."""
    refused = await outcome(broker, order(Side.SELL, "SPY", 1, CASH_ACCOUNT))

    assert refused.status is OrderStatus.REJECTED
    assert "no short sales" in refused.message


async def test_a_margin_account_may_borrow(broker: PaperBroker) -> None:
    """Its cash is negative then."""
    await outcome(broker, order(Side.BUY, "SPY", 300))

    snapshot = await broker.get_account_snapshot(MARGIN_ACCOUNT)

    assert (snapshot.cash, snapshot.net_liquidation) == (-50_000, 150_000)


async def test_proceeds_of_a_cash_account_have_not_settled(broker: PaperBroker) -> None:
    """They are in the cash and cannot be withdrawn yet."""
    await outcome(broker, order(Side.BUY, "TLT", 10, CASH_ACCOUNT))
    await outcome(broker, order(Side.SELL, "TLT", 10, CASH_ACCOUNT))

    snapshot = await broker.get_account_snapshot(CASH_ACCOUNT)

    assert (snapshot.cash, snapshot.settled_cash) == (5000, 2100)
    assert snapshot.positions == ()


async def test_lagging_cash_is_waited_for(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """The reported figure stays behind the fill until it is released."""
    brokerage.ledger(MARGIN_ACCOUNT).hold_back_cash()
    await outcome(broker, order(Side.SELL, "SPY", 10))
    before = await broker.await_cash(MARGIN_ACCOUNT, at_least=Decimal(105_000), timeout_seconds=0)

    waiting = asyncio.create_task(broker.await_cash(MARGIN_ACCOUNT, at_least=Decimal(105_000), timeout_seconds=10))
    brokerage.release_cash(MARGIN_ACCOUNT)

    assert before == 100_000
    assert await waiting == 105_000


async def test_a_connection_may_break_before_an_order_arrives(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """The brokerage never saw the order."""
    brokerage.scripts.add(ConnectionScript("place_order", "before"))

    with pytest.raises(BrokerConnectionError):
        await broker.place_order(order(Side.BUY, "TLT", 1))

    assert brokerage.orders == ()


async def test_a_connection_may_break_after_an_order_arrived(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """The sender learns nothing; the brokerage fills it all the same."""
    brokerage.scripts.add(ConnectionScript("place_order", "after"))

    with pytest.raises(BrokerConnectionError):
        await broker.place_order(order(Side.BUY, "TLT", 1))
    await broker.connect()

    assert [fill.order_ref for fill in await broker.get_fills(MARGIN_ACCOUNT)] == ["ref:BUY:TLT"]


async def test_an_unreachable_brokerage_refuses_sessions(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """Until it is back."""
    await broker.disconnect()
    brokerage.is_reachable = False

    with pytest.raises(BrokerConnectionError):
        await broker.connect()


async def test_a_cancellation_may_stay_unanswered(broker: PaperBroker, script: Callable[[Behaviour], None]) -> None:
    """Then the order may still fill."""
    script(IgnoreCancellation())
    order_id = await broker.place_order(order(Side.BUY, "TLT", 1))

    with pytest.raises(CancellationUnconfirmed):
        await broker.cancel_order(order_id, timeout_seconds=0)

    assert await broker.get_order_status(order_id) is OrderStatus.WORKING


async def test_a_fill_may_win_the_race_against_a_cancellation(
    broker: PaperBroker, script: Callable[[Behaviour], None]
) -> None:
    """The answer says so."""
    script(FillOnCancellation())
    order_id = await broker.place_order(order(Side.BUY, "TLT", 1))

    assert await broker.cancel_order(order_id, timeout_seconds=0) is OrderStatus.FILLED


async def test_a_script_is_used_once_and_by_the_order_that_fits(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """Another symbol or side passes it by."""
    brokerage.scripts.add(OrderScript(LeaveOpen(), symbol="TLT", side=Side.BUY))

    outcomes = [
        (await outcome(broker, order(side, symbol, 1))).status
        for side, symbol in [(Side.BUY, "SPY"), (Side.SELL, "TLT"), (Side.BUY, "TLT"), (Side.BUY, "TLT")]
    ]

    assert outcomes == [OrderStatus.FILLED, OrderStatus.FILLED, OrderStatus.WORKING, OrderStatus.FILLED]


@pytest.mark.parametrize(("side", "limit", "touching"), [(Side.BUY, 80, "79.5"), (Side.SELL, 95, "95")])
async def test_a_limit_order_fills_when_the_price_reaches_it(
    broker: PaperBroker, brokerage: PaperBrokerage, side: Side, limit: int, touching: str
) -> None:
    """At the quoted price, which is at least as good."""
    request = order(side, "TLT", 1).model_copy(update={"order_type": OrderType.LIMIT, "limit_price": Decimal(limit)})
    order_id = await broker.place_order(request)
    before = await broker.get_order_status(order_id)

    brokerage.set_quote(PaperQuote(symbol="TLT", price=Decimal(touching)))
    result = await broker.await_order(order_id, timeout_seconds=0)

    assert before is OrderStatus.WORKING
    assert [fill.price for fill in result.fills] == [Decimal(touching)]


async def test_orders_wait_for_the_opening() -> None:
    """A market order of the night fills in the morning."""
    clock = StandingClock()
    opening = TradingSession(opens_at=NOON + timedelta(hours=2), closes_at=NOON + timedelta(hours=8))
    brokerage = PaperBrokerage(CONTRACT_SPEC.model_copy(update={"regular": (opening,)}), now=clock)
    broker = PaperBroker(brokerage)
    await broker.connect()
    order_id = await broker.place_order(order(Side.BUY, "TLT", 1))
    before = await broker.get_order_status(order_id)

    clock.time = opening.opens_at
    brokerage.match_orders()

    assert before is OrderStatus.WORKING
    assert await broker.get_order_status(order_id) is OrderStatus.FILLED


async def test_previous_closes_are_given_only_when_allowed(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """For previews, never for orders."""
    brokerage.set_quote(PaperQuote(symbol="TLT", price=Decimal(88), source=PriceSource.PREVIOUS_CLOSE))

    allowed = await broker.get_market_prices(["TLT"], allow_previous_close=True)

    assert allowed["TLT"].source is PriceSource.PREVIOUS_CLOSE
    with pytest.raises(PriceUnavailable):
        await broker.get_market_prices(["TLT"], allow_previous_close=False)


async def test_commissions_are_paid_from_the_cash() -> None:
    """One for each fill."""
    brokerage = PaperBrokerage(CONTRACT_SPEC.model_copy(update={"commission": Decimal("1.25")}), now=lambda: NOON)
    broker = PaperBroker(brokerage)
    await broker.connect()

    result = await outcome(broker, order(Side.BUY, "TLT", 1))

    assert result.cash_effect == Decimal("-91.25")
    assert (await broker.get_account_snapshot(MARGIN_ACCOUNT)).cash == Decimal("99908.75")


async def test_every_call_is_in_the_journal(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """With what it was about, in order; that is how a test proves that nothing was sent."""
    await broker.get_account_snapshot(MARGIN_ACCOUNT)
    await broker.get_market_prices(["TLT", "SPY"], allow_previous_close=False)

    assert list(brokerage.journal) == [
        Call("connect"),
        Call("get_account_snapshot", MARGIN_ACCOUNT),
        Call("get_market_prices", "SPY,TLT"),
    ]
    assert brokerage.journal.subjects("place_order") == ()
