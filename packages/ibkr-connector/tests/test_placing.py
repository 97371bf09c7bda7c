"""Orders over a gateway: placing them and following them to their end, whatever the gateway says on the way."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from broker_connector_base import (
    AccountRefused,
    BrokerConnectionError,
    CancellationUnconfirmed,
    ContractUnknown,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from ibkr_connector import IBKRClient
from sandbox.gateway import GatewayServer
from sandbox.world import World

Ask = Callable[..., OrderRequest]
Connect = Callable[..., Awaitable[IBKRClient]]


async def test_a_market_order_fills(client: IBKRClient, order: Ask) -> None:
    """A filled order reports its shares, price and our reference, and its status stays in memory."""
    order_id = await client.place_order(order())

    result = await client.await_order(order_id, timeout_seconds=2)

    (fill,) = result.fills
    assert result.status is OrderStatus.FILLED
    assert (fill.quantity, fill.price, fill.order_ref) == (Decimal(10), Decimal("90.01"), order().order_ref)
    assert await client.get_order_status(order_id) is OrderStatus.FILLED


async def test_everything_about_an_order_is_explicit(client: IBKRClient, world: World, order: Ask) -> None:
    """Account, time in force, reference, price and extended hours arrive at the gateway as asked for."""
    request = order(
        order_type=OrderType.LIMIT,
        limit_price=Decimal("50.004"),
        time_in_force=TimeInForce.GOOD_TILL_CANCELLED,
        outside_regular_hours=True,
    )
    await client.await_order(await client.place_order(request), timeout_seconds=0.05)

    (sent,) = world.journal.of("place_order")

    told = {name: sent.details[name] for name in ("order_type", "limit_price", "tif", "outside_rth", "quantity")}
    assert (sent.account, sent.symbol, sent.order_ref) == ("DU1", "TLT", request.order_ref)
    assert told["order_type"] == "LMT"
    assert Decimal(told["limit_price"]) == Decimal("50.01")
    assert (told["tif"], told["outside_rth"], Decimal(told["quantity"])) == ("GTC", True, 10)


async def test_commissions_arrive_with_the_fills(client: IBKRClient, order: Ask) -> None:
    """Commission reports follow executions; the result waits for them for a moment."""
    result = await client.await_order(await client.place_order(order()), timeout_seconds=2)

    assert [fill.commission for fill in result.fills] == [Decimal(1)]
    assert result.cash_effect == Decimal("-901.10")


async def test_a_rejected_order_carries_the_brokers_words(client: IBKRClient, world: World, order: Ask) -> None:
    """201 followed by Inactive is a rejection; the order is not reported as open."""
    world.add_fault({"kind": "reject", "text": "Order rejected - reason:no permission"})

    result = await client.await_order(await client.place_order(order()), timeout_seconds=2)

    assert result.status is OrderStatus.REJECTED
    assert "no permission" in result.message
    assert result.fills == ()
    assert await client.get_open_orders("DU1") == ()


async def test_a_rejection_may_end_as_cancelled(client: IBKRClient, world: World, order: Ask) -> None:
    """201 followed by Cancelled is a rejection all the same."""
    world.add_fault({"kind": "reject", "status": "Cancelled"})

    result = await client.await_order(await client.place_order(order()), timeout_seconds=2)

    assert result.status is OrderStatus.REJECTED


async def test_a_refusal_without_any_status_is_a_rejection(client: IBKRClient, world: World, order: Ask) -> None:
    """A read-only API answers an order with 321 alone; the missing order confirms it, and health shows why."""
    world.set_read_only(True)

    result = await client.await_order(await client.place_order(order()), timeout_seconds=2)

    assert result.status is OrderStatus.REJECTED
    assert "321" in result.message
    assert client.health().read_only
    assert world.account_state("DU1").fills == ()


@pytest.mark.parametrize("code", [10349, 399, 202, 201, 10147, 10148, 161, 99999])
async def test_an_error_alone_never_ends_a_living_order(
    client: IBKRClient, world: World, order: Ask, code: int
) -> None:
    """Whatever error codes say about an order: as long as the gateway lists it, it lives, and its fill counts."""
    world.add_fault({"kind": "order_message", "code": code, "text": "said in passing"})
    order_id = await client.place_order(order(order_type=OrderType.LIMIT, limit_price=Decimal(50)))

    early = await client.await_order(order_id, timeout_seconds=0.4)
    world.set_price("TLT", Decimal(49))
    late = await client.await_order(order_id, timeout_seconds=2)

    assert early.status is OrderStatus.WORKING
    assert (late.status, late.filled_quantity) == (OrderStatus.FILLED, Decimal(10))
    assert len(world.journal.of("place_order")) == 1


async def test_executions_alone_make_an_order_filled(client: IBKRClient, world: World, order: Ask) -> None:
    """Market orders may skip orderStatus altogether."""
    world.add_fault({"kind": "skip_status"})

    result = await client.await_order(await client.place_order(order()), timeout_seconds=2)

    assert (result.status, result.filled_quantity) == (OrderStatus.FILLED, Decimal(10))


async def test_a_filled_status_waits_for_its_executions(client: IBKRClient, world: World, order: Ask) -> None:
    """Filled without executions is not final yet: quantities come from executions."""
    world.add_fault({"kind": "status_before_execution", "after_ms": 400})

    result = await client.await_order(await client.place_order(order()), timeout_seconds=2)

    assert (result.status, result.filled_quantity) == (OrderStatus.FILLED, Decimal(10))


async def test_duplicate_executions_count_once(client: IBKRClient, world: World, order: Ask) -> None:
    """An execution told twice is one execution."""
    world.add_fault({"kind": "duplicate_execution"})
    world.add_fault({"kind": "partial_fill", "quantity": 5})

    result = await client.await_order(await client.place_order(order()), timeout_seconds=0.5)

    assert (result.status, result.filled_quantity) == (OrderStatus.WORKING, Decimal(5))


async def test_a_correction_replaces_its_execution(client: IBKRClient, world: World, order: Ask) -> None:
    """The second revision of an execution stands in for the first, in the fills of the account too."""
    world.add_fault({"kind": "correct_execution", "price": "89.50"})
    order_id = await client.place_order(order())
    await client.await_order(order_id, timeout_seconds=2)

    fills = await client.get_fills("DU1")

    assert [(fill.quantity, fill.price) for fill in fills] == [(Decimal(10), Decimal("89.50"))]
    result = await client.await_order(order_id, timeout_seconds=1)
    assert [fill.price for fill in result.fills] == [Decimal("89.50")]


async def test_an_order_that_nobody_answers_is_asked_for(client: IBKRClient, world: World, order: Ask) -> None:
    """When the gateway is silent about an order that it executed, executions tell."""
    world.add_fault({"kind": "no_answer", "fills": True})

    result = await client.await_order(await client.place_order(order()), timeout_seconds=2)

    assert (result.status, result.filled_quantity) == (OrderStatus.FILLED, Decimal(10))


async def test_an_order_that_nobody_knows_stays_pending(client: IBKRClient, world: World, order: Ask) -> None:
    """Without a word, a listing or an execution the order's fate is open, and it is not sent again."""
    world.add_fault({"kind": "no_answer"})

    result = await client.await_order(await client.place_order(order()), timeout_seconds=0.6)

    assert result.status is OrderStatus.PENDING
    assert len(world.journal.of("place_order")) == 1


async def test_the_deadline_reports_what_is_known(client: IBKRClient, world: World, order: Ask) -> None:
    """At the deadline a partly filled order is working, its fills are there, and nothing was cancelled."""
    world.add_fault({"kind": "partial_fill", "quantity": 4})

    result = await client.await_order(await client.place_order(order()), timeout_seconds=0.5)

    assert (result.status, result.filled_quantity, result.remaining_quantity) == (OrderStatus.WORKING, 4, 6)
    assert world.journal.of("cancel_order") == []


async def test_a_connection_lost_while_following_is_an_error(client: IBKRClient, world: World, order: Ask) -> None:
    """A broken session says nothing about the order; its fill is found in the next one by its reference."""
    world.add_fault({"kind": "disconnect", "when": "filled"})
    order_id = await client.place_order(order())

    with pytest.raises(BrokerConnectionError):
        await client.await_order(order_id, timeout_seconds=5)

    await client.connect()
    (fill,) = await client.get_fills("DU1")
    assert (fill.order_ref, fill.quantity) == (order().order_ref, Decimal(10))


async def test_a_fill_during_an_outage_is_seen_after_it(
    client: IBKRClient, world: World, gateway: GatewayServer, order: Ask
) -> None:
    """Events between 1100 and 1102 are lost; the order is asked for as soon as the brokerage is back."""
    order_id = await client.place_order(order(order_type=OrderType.LIMIT, limit_price=Decimal(50)))
    await client.await_order(order_id, timeout_seconds=0.1)
    gateway.broadcast(1100)
    world.set_price("TLT", Decimal(49))
    before = await client.await_order(order_id, timeout_seconds=0.1)
    gateway.broadcast(1102)

    result = await client.await_order(order_id, timeout_seconds=2)

    assert before.status is OrderStatus.WORKING
    assert (result.status, result.filled_quantity) == (OrderStatus.FILLED, Decimal(10))


async def test_an_end_during_an_outage_is_seen_after_it(
    client: IBKRClient, world: World, gateway: GatewayServer, order: Ask
) -> None:
    """An order that somebody cancelled between 1100 and 1102 is found among the completed ones."""
    order_id = await client.place_order(order(order_type=OrderType.LIMIT, limit_price=Decimal(50)))
    await client.await_order(order_id, timeout_seconds=0.1)
    gateway.broadcast(1100)
    world.cancel_everything(77)
    before = await client.await_order(order_id, timeout_seconds=0.1)
    gateway.broadcast(1102)

    result = await client.await_order(order_id, timeout_seconds=2)

    assert before.status is OrderStatus.WORKING
    assert result.status is OrderStatus.CANCELLED


async def test_an_order_out_of_hours_waits_for_the_opening(client: IBKRClient, world: World, order: Ask) -> None:
    """399 is a notice: the order rests, and a cancellation is not confirmed before the market opens."""
    world.set_hours("closed")
    order_id = await client.place_order(order())

    result = await client.await_order(order_id, timeout_seconds=0.3)

    assert result.status is OrderStatus.WORKING
    assert result.message.startswith("399")
    with pytest.raises(CancellationUnconfirmed):
        await client.cancel_order(order_id, timeout_seconds=0.1)
    world.set_hours("always")
    assert await client.cancel_order(order_id, timeout_seconds=2) is OrderStatus.CANCELLED


async def test_nothing_is_sent_while_the_brokerage_is_lost(
    client: IBKRClient, world: World, gateway: GatewayServer, order: Ask
) -> None:
    """An order handed to a gateway that is cut off may be lost: it is refused here."""
    gateway.broadcast(1100)
    await client.get_fills("DU1")

    with pytest.raises(BrokerConnectionError, match="was not sent"):
        await client.place_order(order())

    assert world.journal.of("place_order") == []


@pytest.mark.parametrize("mode", ["live", "paper"])
async def test_the_trading_mode_guards_every_order(
    mode: str, make_client: Callable[..., IBKRClient], order: Ask
) -> None:
    """A paper account is refused in live mode and the reverse; nothing is sent."""
    account = "DU1" if mode == "live" else "U1"
    world = World.from_dict({"accounts": [{"id": account}], "instruments": [{"symbol": "TLT", "price": "90"}]})
    async with GatewayServer(world) as gateway:
        client = make_client(port=gateway.port, trading_mode=mode)
        await client.connect()

        with pytest.raises(AccountRefused, match=account):
            await client.place_order(order(account_id=account))
        with pytest.raises(AccountRefused, match=account):
            await client.get_account_snapshot(account)

        await client.disconnect()
    assert world.journal.of("place_order") == []
    world.close()


async def test_an_account_of_another_login_is_refused(client: IBKRClient, world: World, order: Ask) -> None:
    """An account that the gateway does not manage is refused for orders, snapshots and lists alike."""
    stranger = "DU999"

    for refused in (
        client.place_order(order(account_id=stranger)),
        client.get_account_snapshot(stranger),
        client.get_open_orders(stranger),
        client.get_fills(stranger),
        client.await_cash(stranger, at_least=Decimal(0), timeout_seconds=1),
    ):
        with pytest.raises(AccountRefused, match=stranger):
            await refused
    assert world.journal.of("place_order") == []


async def test_an_unknown_symbol_is_no_order(client: IBKRClient, world: World, order: Ask) -> None:
    """A symbol that the brokerage does not know is refused before anything is sent."""
    with pytest.raises(ContractUnknown, match="NOPE"):
        await client.place_order(order(symbol="NOPE"))

    assert world.journal.of("place_order") == []


async def test_orders_of_the_same_moment_are_told_apart(client: IBKRClient, order: Ask) -> None:
    """Ten orders side by side have ten ids and ten fills, each with its own reference."""
    requests = [order(quantity=n, order_ref=f"event-1:1:BUY:TLT:{n}") for n in range(1, 11)]

    order_ids = await asyncio.gather(*map(client.place_order, requests))
    results = await asyncio.gather(*(client.await_order(each, timeout_seconds=2) for each in order_ids))

    assert len(set(order_ids)) == 10
    assert [result.filled_quantity for result in results] == [Decimal(n) for n in range(1, 11)]
    assert [result.fills[0].order_ref for result in results] == [request.order_ref for request in requests]


async def test_unknown_orders_are_key_errors(client: IBKRClient) -> None:
    """An id that this session never saw is a mistake of the caller."""
    with pytest.raises(KeyError, match="5:4711"):
        await client.await_order("5:4711", timeout_seconds=1)
    with pytest.raises(KeyError, match="5:4711"):
        await client.get_order_status("5:4711")


async def test_a_sell_is_a_sell(client: IBKRClient, world: World, order: Ask) -> None:
    """Direction survives the way through the gateway: order, execution and cash effect."""
    request = order(symbol="SPY", side=Side.SELL, quantity=3, order_ref="event-1:1:SELL:SPY")

    result = await client.await_order(await client.place_order(request), timeout_seconds=2)

    (fill,) = result.fills
    assert fill.side is Side.SELL
    assert result.cash_effect == Decimal("1498.97")
    assert world.account_state("DU1").positions[0].quantity == 97


async def test_a_reference_that_is_alive_is_not_sent_again(client: IBKRClient, world: World, order: Ask) -> None:
    """A second order of the same reference would double the position: the first is adopted."""
    world.add_fault({"kind": "slow_fill", "after_ms": 200})
    first = await client.place_order(order())

    second = await client.place_order(order())
    result = await client.await_order(second, timeout_seconds=2)

    assert second == first
    assert (result.status, result.filled_quantity) == (OrderStatus.FILLED, 10)
    assert len(world.journal.of("place_order")) == 1


async def test_a_reference_of_an_earlier_session_is_adopted(
    open_client: Connect, client: IBKRClient, world: World, order: Ask
) -> None:
    """After a crash the order is found open, and followed instead of doubled; its earlier fills count."""
    world.add_fault({"kind": "partial_fill", "quantity": 4, "rest_after_ms": 500})
    first = await client.place_order(order())
    await client.await_order(first, timeout_seconds=0.1)
    await client.disconnect()
    restarted = await open_client()

    adopted = await restarted.place_order(order())
    result = await restarted.await_order(adopted, timeout_seconds=3)

    assert adopted == first
    assert (result.status, result.filled_quantity) == (OrderStatus.FILLED, 10)
    assert len(world.journal.of("place_order")) == 1


async def test_an_order_that_nobody_answered_is_never_doubled(client: IBKRClient, world: World, order: Ask) -> None:
    """Its fate is open, so nothing of its reference is sent."""
    world.add_fault({"kind": "no_answer"})
    first = await client.place_order(order())
    await client.await_order(first, timeout_seconds=0.5)

    second = await client.place_order(order())
    await client.get_fills("DU1")

    assert second == first
    assert len(world.journal.of("place_order")) == 1


async def test_the_same_reference_on_another_account_is_another_order(
    client: IBKRClient, world: World, order: Ask
) -> None:
    """References are looked up within their account."""
    world.add_fault({"kind": "slow_fill"})
    first = await client.place_order(order())

    second = await client.place_order(order(account_id="DU2"))
    await client.get_fills("DU1")

    assert second != first
    assert [entry.account for entry in world.journal.of("place_order")] == ["DU1", "DU2"]


async def test_a_late_answer_is_an_answer(open_client: Connect, world: World, order: Ask) -> None:
    """A gateway slower than our patience is asked about the order; nothing is sent twice, and the fill counts once."""
    client = await open_client(acknowledgement_seconds=0.1, request_timeout_seconds=5.0)
    await client.get_trading_hours(["TLT"])
    world.set_latency({"reply_ms": 300})

    result = await client.await_order(await client.place_order(order()), timeout_seconds=5)

    assert (result.status, result.filled_quantity) == (OrderStatus.FILLED, 10)
    assert len(world.journal.of("place_order")) == 1


async def test_an_answer_after_the_deadline_still_lets_it_be_cancelled(
    open_client: Connect, world: World, order: Ask
) -> None:
    """At the deadline nothing is known; the cancellation reaches it all the same and is confirmed."""
    client = await open_client(acknowledgement_seconds=0.05, request_timeout_seconds=5.0)
    await client.get_trading_hours(["TLT"])
    world.set_latency({"reply_ms": 300})
    world.add_fault({"kind": "slow_fill"})
    order_id = await client.place_order(order())

    early = await client.await_order(order_id, timeout_seconds=0.06)
    status = await client.cancel_order(order_id, timeout_seconds=5)

    assert early.status in (OrderStatus.PENDING, OrderStatus.WORKING)
    assert status is OrderStatus.CANCELLED
    assert len(world.journal.of("place_order")) == 1


@pytest.mark.parametrize("time_in_force", list(TimeInForce))
async def test_a_market_on_close_order_lives_for_the_day(
    client: IBKRClient, world: World, order: Ask, time_in_force: TimeInForce
) -> None:
    """The brokerage takes no other (113); it rests until the close and then fills."""
    request = order(order_type=OrderType.MARKET_ON_CLOSE, time_in_force=time_in_force)
    order_id = await client.place_order(request)
    before = await client.await_order(order_id, timeout_seconds=0.1)
    world.set_hours("closed")

    after = await client.await_order(order_id, timeout_seconds=2)

    (sent,) = world.journal.of("place_order")
    assert (sent.details["order_type"], sent.details["tif"]) == ("MOC", "DAY")
    assert before.status is OrderStatus.WORKING
    assert (after.status, after.filled_quantity) == (OrderStatus.FILLED, 10)
