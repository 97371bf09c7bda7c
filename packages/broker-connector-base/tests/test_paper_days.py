"""How a paper brokerage keeps books: owners of orders, margin, commissions, corrections, closes and nights."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from broker_connector_base import (
    Fill,
    ForeignOrderOpen,
    MarginEffect,
    OrderRejected,
    OrderRequest,
    OrderStatus,
    OrderType,
    PriceSource,
    PriceUnavailable,
    Side,
    TimeInForce,
)
from broker_connector_base.testing import (
    BY_HAND,
    CASH_ACCOUNT,
    CONTRACT_SPEC,
    MARGIN_ACCOUNT,
    Call,
    LeaveOpen,
    OrderScript,
    PaperBroker,
    PaperBrokerage,
    PaperOrder,
    PaperQuote,
    RejectOrder,
)
from broker_connector_base.testing.standing_clock import NOON, StandingClock


@pytest.fixture
def left_open(brokerage: PaperBrokerage) -> Callable[[str], PaperOrder]:
    """Places an order that stays open, under an owner's id."""

    def place(owner: str) -> PaperOrder:
        brokerage.scripts.add(OrderScript(LeaveOpen()))
        return brokerage.place(order(Side.SELL, "SPY", 5), owner=owner)

    return place


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


async def filled(broker: PaperBroker, request: OrderRequest) -> Fill:
    result = await broker.await_order(await broker.place_order(request), timeout_seconds=0)
    return result.fills[0]


@pytest.mark.parametrize("owner", ["77", BY_HAND])
async def test_the_journal_tells_through_whom_an_order_was_cancelled(
    broker: PaperBroker, brokerage: PaperBrokerage, left_open: Callable[[str], PaperOrder], owner: str
) -> None:
    """Through its owner's id; ours go through our own session."""
    for each in (left_open(owner), left_open("1")):
        await broker.cancel_order(each.order_id, timeout_seconds=0)

    assert brokerage.journal.subjects("connect_as") == (owner,)


async def test_a_connected_owner_keeps_its_orders_until_it_leaves(
    broker: PaperBroker, brokerage: PaperBrokerage, left_open: Callable[[str], PaperOrder]
) -> None:
    """The refusal says which order and whose."""
    other = PaperBroker(brokerage, owner="77")
    foreign = left_open("77")
    await other.connect()

    with pytest.raises(ForeignOrderOpen, match=rf"order {foreign.order_id} \(SELL 5 SPY\) on DU1 .* id 77, .* in use"):
        await broker.cancel_order(foreign.order_id, timeout_seconds=0)
    await other.disconnect()

    assert await broker.cancel_order(foreign.order_id, timeout_seconds=0) is OrderStatus.CANCELLED


async def test_the_margin_model_is_half_to_open_and_a_quarter_to_keep(broker: PaperBroker) -> None:
    """Fifty thousand in SPY and 9 000 in TLT, of 150 000."""
    effect = await broker.what_if(order(Side.BUY, "TLT", 100))

    assert effect == MarginEffect(
        initial_margin_after=Decimal(29_500),
        maintenance_margin_after=Decimal(14_750),
        equity_with_loan_after=Decimal(150_000),
        commission=Decimal(0),
    )


async def test_a_cash_account_backs_all_of_what_it_holds(broker: PaperBroker) -> None:
    """Nobody lends it anything."""
    effect = await broker.what_if(order(Side.BUY, "TLT", 55, CASH_ACCOUNT))

    assert (effect.initial_margin_after, effect.maintenance_margin_after) == (4950, 4950)


@pytest.mark.parametrize(("quantity", "is_allowed"), [(500, True), (501, False)])
async def test_a_margin_account_opens_no_more_than_twice_its_equity(
    broker: PaperBroker, quantity: int, is_allowed: bool
) -> None:
    """A hundred SPY held and 500 bought are 300 000, twice 150 000."""
    request = order(Side.BUY, "SPY", quantity)

    if is_allowed:
        assert (await broker.what_if(request)).initial_margin_after == 150_000
    else:
        with pytest.raises(OrderRejected, match="equity with loan value 150000 USD is below initial margin 150250"):
            await broker.what_if(request)


async def test_an_order_that_lowers_the_risk_is_never_refused(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """After a fall the equity is below the margin, and selling is the way out."""
    await filled(broker, order(Side.BUY, "SPY", 500))
    brokerage.set_quote(PaperQuote(symbol="SPY", price=Decimal(400)))

    effect = await broker.what_if(order(Side.SELL, "SPY", 10))

    assert effect.equity_with_loan_after == 90_000 < effect.initial_margin_after


async def test_a_refusal_that_is_still_to_come_is_foreseen(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """And still comes."""
    brokerage.scripts.add(OrderScript(RejectOrder("no permission"), "TLT"))

    with pytest.raises(OrderRejected, match="no permission"):
        await broker.what_if(order(Side.BUY, "TLT", 1))
    result = await broker.await_order(await broker.place_order(order(Side.BUY, "TLT", 1)), timeout_seconds=0)

    assert result.message == "no permission"


@pytest.mark.parametrize(("quantity", "commission"), [(10, "1"), (1000, "5.000")])
async def test_commissions_by_the_share_have_a_minimum(quantity: int, commission: str) -> None:
    """Half a cent a share, at least a dollar; the margin effect knows it beforehand."""
    fees = {"commission": Decimal(1), "commission_per_share": Decimal("0.005")}
    broker = PaperBroker(PaperBrokerage(CONTRACT_SPEC.model_copy(update=fees), now=lambda: NOON))
    await broker.connect()
    request = order(Side.BUY, "TLT", quantity)

    effect = await broker.what_if(request)
    fill = await filled(broker, request)

    assert fill.commission == effect.commission == Decimal(commission)


async def test_a_correction_changes_shares_and_cash(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """Nine shares at 91 instead of ten at 90: 819 dollars instead of 900."""
    first = await filled(broker, order(Side.BUY, "TLT", 10))

    corrected = brokerage.correct_fill(first, quantity=Decimal(9), price=Decimal(91))
    snapshot = await broker.get_account_snapshot(MARGIN_ACCOUNT)

    assert (first.exec_id, corrected.exec_id) == ("paper.1.01", "paper.1.02")
    assert (snapshot.cash, snapshot.settled_cash) == (99_181, 99_181)
    assert {held.symbol: held.quantity for held in snapshot.positions} == {"SPY": 100, "TLT": 9}
    assert await broker.get_fills(MARGIN_ACCOUNT) == (corrected,)


async def test_a_corrected_sale_has_not_settled(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """Neither the first report nor its correction is money to withdraw."""
    sale = await filled(broker, order(Side.SELL, "SPY", 10))

    brokerage.correct_fill(sale, quantity=Decimal(10), price=Decimal(501))
    snapshot = await broker.get_account_snapshot(MARGIN_ACCOUNT)

    assert (snapshot.cash, snapshot.settled_cash) == (105_010, 100_000)


async def test_a_night_settles_cash_and_ends_the_day(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """Proceeds may be spent, orders for the day are gone, yesterday's executions are no longer told."""
    await filled(broker, order(Side.BUY, "TLT", 10, CASH_ACCOUNT))
    await filled(broker, order(Side.SELL, "TLT", 10, CASH_ACCOUNT))
    brokerage.scripts.add(OrderScript(LeaveOpen()))
    waiting = await broker.place_order(order(Side.BUY, "TLT", 1))

    brokerage.pass_night()
    snapshot = await broker.get_account_snapshot(CASH_ACCOUNT)

    assert (snapshot.cash, snapshot.settled_cash) == (5000, 5000)
    assert await broker.get_order_status(waiting) is OrderStatus.EXPIRED
    assert await broker.get_fills(CASH_ACCOUNT) == ()
    assert len(brokerage.fills) == 2


async def test_orders_that_are_good_till_cancelled_survive_the_night(
    brokerage: PaperBrokerage, broker: PaperBroker
) -> None:
    """They are open in the morning."""
    brokerage.scripts.add(OrderScript(LeaveOpen()))
    request = order(Side.BUY, "TLT", 1).model_copy(update={"time_in_force": TimeInForce.GOOD_TILL_CANCELLED})
    order_id = await broker.place_order(request)

    brokerage.pass_night()

    assert [each.order_id for each in await broker.get_open_orders(MARGIN_ACCOUNT)] == [order_id]


async def test_the_close_takes_the_price_of_its_moment(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """A change of price before it fills nothing; orders of other types are not its business."""
    request = order(Side.BUY, "TLT", 1).model_copy(update={"order_type": OrderType.MARKET_ON_CLOSE})
    order_id = await broker.place_order(request)
    brokerage.scripts.add(OrderScript(LeaveOpen()))
    other = await broker.place_order(order(Side.BUY, "SPY", 1))
    brokerage.set_quote(PaperQuote(symbol="TLT", price=Decimal(92)))
    before = await broker.get_order_status(order_id)

    brokerage.close_market()
    result = await broker.await_order(order_id, timeout_seconds=0)

    assert before is OrderStatus.WORKING
    assert [fill.price for fill in result.fills] == [92]
    assert await broker.get_order_status(other) is OrderStatus.WORKING


async def test_a_market_on_close_order_is_for_the_day(broker: PaperBroker) -> None:
    """Brokerages refuse it otherwise."""
    update = {"order_type": OrderType.MARKET_ON_CLOSE, "time_in_force": TimeInForce.GOOD_TILL_CANCELLED}
    order_id = await broker.place_order(order(Side.BUY, "TLT", 1).model_copy(update=update))

    assert await broker.get_order_status(order_id) is OrderStatus.REJECTED


async def test_day_trades_are_as_many_as_the_brokerage_says(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """Told by the test, reported in the snapshot."""
    brokerage.ledger(MARGIN_ACCOUNT).day_trades_remaining = 0

    assert (await broker.get_account_snapshot(MARGIN_ACCOUNT)).day_trades_remaining == 0


@pytest.mark.parametrize(("seconds", "price"), [(60, 90), (61, 95)])
async def test_a_price_is_used_again_until_it_is_too_old(
    broker: PaperBroker, brokerage: PaperBrokerage, clock: StandingClock, seconds: int, price: int
) -> None:
    """Sixty seconds of sixty are young enough; the journal tells when a price was not asked for."""
    await broker.get_market_prices(["TLT"], allow_previous_close=False)
    brokerage.set_quote(PaperQuote(symbol="TLT", price=Decimal(95)))
    clock.time += timedelta(seconds=seconds)

    prices = await broker.get_market_prices(["TLT"], allow_previous_close=False, max_age_seconds=60)

    assert prices["TLT"].price == price
    assert (Call("cached_prices", "TLT") in list(brokerage.journal)) is (price == 90)


async def test_a_remembered_close_serves_previews_only(broker: PaperBroker, brokerage: PaperBrokerage) -> None:
    """Having it already does not make it a price to trade on."""
    brokerage.set_quote(PaperQuote(symbol="TLT", price=Decimal(88), source=PriceSource.PREVIOUS_CLOSE))
    await broker.get_market_prices(["TLT"], allow_previous_close=True)

    with pytest.raises(PriceUnavailable):
        await broker.get_market_prices(["TLT"], allow_previous_close=False, max_age_seconds=60)
