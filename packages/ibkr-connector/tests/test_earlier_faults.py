"""Faults of an earlier rebalancer that live where the brokerage is spoken to; each test fails with its fault.

Numbers 1 to 9 lost money, 10 to 19 made orders unsafe. Those not here live in other parts of this system.
"""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from broker_connector_base import (
    AccountRefused,
    CancellationUnconfirmed,
    ContractUnknown,
    OrderRequest,
    OrderStatus,
    OrderType,
    PriceSource,
    PriceUnavailable,
    Side,
    SnapshotIncomplete,
    TimeInForce,
)
from ibkr_connector import IBKRClient
from ibkr_connector.account_values import read_values
from ibkr_connector.error_codes import ErrorClass, classify
from ibkr_connector.messages import AccountFigure
from sandbox.gateway import GatewayServer
from sandbox.world import World

Ask = Callable[..., OrderRequest]
Connect = Callable[..., Awaitable[IBKRClient]]


async def _in(
    content: dict[str, Any], open_client: Connect, use: Callable[[IBKRClient, World], Awaitable[None]]
) -> None:
    world = World.from_dict(content)
    async with GatewayServer(world) as gateway:
        client = await open_client(port=gateway.port)
        await use(client, world)
        await client.disconnect()
    world.close()


async def test_fault_1_positions_valued_at_cost(open_client: Connect) -> None:
    """100 shares bought at 150 and now at 100 are worth 10,000: cost is in no figure that anybody plans with."""

    async def use(client: IBKRClient, _world: World) -> None:
        snapshot = await client.get_account_snapshot("DU1")
        prices = await client.get_market_prices(["TLT"], allow_previous_close=False)

        (held,) = snapshot.positions
        assert held.quantity * prices["TLT"].price == 10_000
        assert snapshot.net_liquidation == 15_000
        assert not {"avg_cost", "market_value"} & set(type(held).model_fields)

    content = {
        "accounts": [
            {"id": "DU1", "cash": "5000", "positions": [{"symbol": "TLT", "quantity": "100", "avg_cost": "150"}]}
        ],
        "instruments": [{"symbol": "TLT", "price": "100"}],
    }
    await _in(content, open_client, use)


async def test_fault_7_positions_keyed_by_symbol_alone(open_client: Connect, order: Ask) -> None:
    """Stock, option and foreign listing of one symbol stay three, and an order goes to the US stock."""

    async def use(client: IBKRClient, world: World) -> None:
        held = (await client.get_account_snapshot("DU1")).positions
        sell = order(symbol="SPY", side=Side.SELL, quantity=3, order_ref="event-1:1:SELL:SPY")
        await client.await_order(await client.place_order(sell), timeout_seconds=2)

        (sent,) = world.journal.of("place_order")
        assert sorted((each.contract_id, each.quantity, each.is_tradeable) for each in held) == [
            ("1", 10, True),
            ("2", 2, False),
            ("3", 50, False),
        ]
        assert sent.details["con_id"] == 1

    content = {
        "accounts": [
            {
                "id": "DU1",
                "cash": "5000",
                "positions": [
                    {"symbol": "SPY", "quantity": "10", "con_id": 1},
                    {"symbol": "SPY", "quantity": "2", "con_id": 2},
                    {"symbol": "SPY", "quantity": "50", "con_id": 3},
                ],
            }
        ],
        "instruments": [
            {"symbol": "SPY", "price": "500", "con_id": 1},
            {
                "symbol": "SPY",
                "price": "5",
                "con_id": 2,
                "sec_type": "OPT",
                "expiry": "20261218",
                "strike": "500",
                "right": "C",
                "multiplier": 100,
            },
            {"symbol": "SPY", "price": "400", "con_id": 3, "currency": "EUR"},
        ],
        "fx": {"EUR": "1.10"},
    }
    await _in(content, open_client, use)


def test_fault_8_missing_cash_read_as_zero() -> None:
    """A missing figure is an error that names it; what could be borrowed never stands in for cash."""
    figures = [AccountFigure("DU1", tag, "90000", "USD") for tag in ("NetLiquidation", "AvailableFunds", "BuyingPower")]

    with pytest.raises(SnapshotIncomplete, match=r"DU1.*TotalCashValue"):
        read_values("DU1", figures)


async def test_fault_8_stale_cash_believed(client: IBKRClient, world: World, order: Ask) -> None:
    """Cash after a fill contains that fill although the gateway's figures lag; euros are not dollars."""
    world.deposit("DU1", Decimal(1000), "EUR")
    before = await client.get_account_snapshot("DU1")
    world.set_latency({"account_lag_ms": 200})
    await client.await_order(await client.place_order(order()), timeout_seconds=2)

    after = await client.get_account_snapshot("DU1")

    assert before.cash == 100_000
    assert after.cash == Decimal("99098.90")
    assert [(held.symbol, held.quantity) for held in after.positions if held.symbol == "TLT"] == [("TLT", 10)]


@pytest.mark.parametrize(
    ("market", "source"),
    [
        ({}, PriceSource.LIVE_MID),
        ({"spread": Decimal(20)}, PriceSource.LIVE_LAST),
        ({"delayed_only": True}, PriceSource.DELAYED),
        ({"close_only": True}, None),
        ({"halted": True}, None),
        ({"no_quote": True}, None),
    ],
)
async def test_fault_9_any_tick_taken_for_a_price(
    client: IBKRClient, world: World, market: dict[str, Any], source: PriceSource | None
) -> None:
    """Every price says where it came from; yesterday's close, a halt and silence are no price to trade at."""
    world.set_market("SPY", **market)

    try:
        prices = await client.get_market_prices(["SPY"], allow_previous_close=False)
    except PriceUnavailable:
        found = None
    else:
        found = prices["SPY"].source

    asked = [entry.details["message"] for entry in world.journal.of("request")]
    assert found is source
    assert asked.count("MARKET_DATA") == 1
    assert "HISTORICAL_DATA" not in asked


async def test_fault_10_orders_out_of_sight_after_a_restart(
    open_client: Connect, client: IBKRClient, world: World, order: Ask
) -> None:
    """The id is the configured one each time, so old GTC orders, other clients' and people's are seen and cancelled."""
    world.add_fault({"kind": "slow_fill"})
    await client.place_order(order(time_in_force=TimeInForce.GOOD_TILL_CANCELLED))
    await client.get_fills("DU1")
    await client.disconnect()
    world.place_foreign_order(77, account="DU1", symbol="SPY", side="BUY", quantity=Decimal(1))
    world.place_manual_order(account="DU1", symbol="SPY", side="BUY", quantity=Decimal(1))
    restarted = await open_client()
    found = await restarted.get_open_orders("DU1")

    statuses = [await restarted.cancel_order(each.order_id, timeout_seconds=5) for each in found]

    assert [entry.client_id for entry in world.journal.of("connected")][:2] == [5, 5]
    assert sorted(each.owner for each in found) == ["0", "5", "77"]
    assert statuses == [OrderStatus.CANCELLED] * 3
    assert await restarted.get_open_orders("DU1") == ()


async def test_fault_11_pending_cancel_taken_for_cancelled(client: IBKRClient, world: World, order: Ask) -> None:
    """Such an order may still fill: it is reported as open, and a fill that comes counts."""
    world.add_fault({"kind": "slow_fill", "after_ms": 600})
    world.add_fault({"kind": "slow_cancel"})
    order_id = await client.place_order(order())

    with pytest.raises(CancellationUnconfirmed, match="PendingCancel"):
        await client.cancel_order(order_id, timeout_seconds=0.1)
    (still_open,) = await client.get_open_orders("DU1")
    result = await client.await_order(order_id, timeout_seconds=3)

    assert still_open.status is OrderStatus.WORKING
    assert (result.status, result.filled_quantity) == (OrderStatus.FILLED, 10)


async def test_fault_12_partial_fills_lost_at_the_deadline(client: IBKRClient, world: World, order: Ask) -> None:
    """At its deadline an order reports what filled and can be cancelled; siblings are followed to their ends."""
    world.add_fault({"kind": "partial_fill", "symbol": "TLT", "quantity": 4})
    world.add_fault({"kind": "reject", "symbol": "SPY", "side": "SELL"})
    requests = [
        order(),
        order(symbol="SPY", side=Side.SELL, order_ref="event-1:1:SELL:SPY"),
        order(symbol="SPY", order_ref="event-1:1:BUY:SPY"),
    ]
    order_ids = [await client.place_order(request) for request in requests]

    early = await asyncio.gather(*(client.await_order(each, timeout_seconds=0.5) for each in order_ids))
    status = await client.cancel_order(order_ids[0], timeout_seconds=2)
    result = await client.await_order(order_ids[0], timeout_seconds=1)

    assert [each.status for each in early] == [OrderStatus.WORKING, OrderStatus.REJECTED, OrderStatus.FILLED]
    assert (status, result.filled_quantity, result.remaining_quantity) == (OrderStatus.CANCELLED, 4, 6)
    assert len(world.journal.of("place_order")) == 3


@pytest.mark.parametrize(
    ("changes", "sent_as"),
    [
        ({}, ("MKT", None, "DAY", False)),
        ({"time_in_force": TimeInForce.GOOD_TILL_CANCELLED}, ("MKT", None, "GTC", False)),
        (
            {"order_type": OrderType.LIMIT, "limit_price": Decimal(50), "outside_regular_hours": True},
            ("LMT", "50", "DAY", True),
        ),
        ({"order_type": OrderType.MARKET_ON_CLOSE}, ("MOC", None, "DAY", False)),
    ],
)
async def test_fault_13_type_and_time_in_force_ignored(
    client: IBKRClient, world: World, order: Ask, changes: dict[str, Any], sent_as: tuple[object, ...]
) -> None:
    """What was asked for is what is sent, with a time in force, so that no preset fills it in (10349)."""
    await client.place_order(order(**changes))
    await client.get_fills("DU1")

    (sent,) = world.journal.of("place_order")
    assert tuple(sent.details[name] for name in ("order_type", "limit_price", "tif", "outside_rth")) == sent_as


async def test_fault_13_a_symbol_without_a_contract_ordered(client: IBKRClient, world: World, order: Ask) -> None:
    """No contract, no order."""
    with pytest.raises(ContractUnknown, match="NOPE"):
        await client.place_order(order(symbol="NOPE"))

    assert world.journal.of("place_order") == []


async def test_fault_14_rejections_hidden_by_their_handler(
    client: IBKRClient, world: World, gateway: GatewayServer, order: Ask
) -> None:
    """The broker's words arrive, once, also after reconnects."""
    for _ in range(3):
        await gateway.drop_connections()
        await client.wait_until_lost()
        await client.connect()
    world.add_fault({"kind": "reject", "text": "Order rejected - reason:no permission"})

    result = await client.await_order(await client.place_order(order()), timeout_seconds=2)

    assert result.status is OrderStatus.REJECTED
    assert result.message.count("no permission") == 1
    assert client.health().connected


@pytest.mark.parametrize(
    "words",
    [
        "Order rejected - reason:The exchange is closed",
        "Order rejected - reason:Request timed out, connection lost, try again later",
        "",
    ],
)
async def test_fault_15_rejections_classified_by_their_words(
    client: IBKRClient, world: World, order: Ask, words: str
) -> None:
    """201 is a rejection whatever its text; it ends the order, and nothing is sent again."""
    world.add_fault({"kind": "reject", "text": words})

    result = await client.await_order(await client.place_order(order()), timeout_seconds=2)

    assert classify(201) is ErrorClass.REJECTED
    assert (result.status, result.message) == (OrderStatus.REJECTED, f"201: {words}")
    assert len(world.journal.of("place_order")) == 1


async def test_fault_16_a_half_open_line_reported_as_connected(open_client: Connect, gateway: GatewayServer) -> None:
    """A gateway that answers nothing is found out, and connecting again opens a new line."""
    client = await open_client(heartbeat_seconds=0.05, request_timeout_seconds=1.0)
    gateway.freeze()
    await asyncio.wait_for(client.wait_until_lost(), 30)
    was_connected = client.health().connected
    gateway.thaw()

    await client.connect()

    assert not was_connected
    assert (await client.get_account_snapshot("DU1")).cash == 100_000


async def test_fault_16_concurrent_questions_hang(client: IBKRClient) -> None:
    """24 callers at once all get their answers, each for its own account."""
    accounts = ["DU1", "DU2"] * 12

    async with asyncio.timeout(10):
        snapshots, orders = await asyncio.gather(
            asyncio.gather(*map(client.get_account_snapshot, accounts)),
            asyncio.gather(*map(client.get_open_orders, accounts)),
        )

    assert [(each.account_id, each.cash) for each in snapshots] == [("DU1", 100_000), ("DU2", 5000)] * 12
    assert orders == [()] * 24


@pytest.mark.parametrize(("account", "mode"), [("DU1", "live"), ("DU999", "paper")])
async def test_fault_18_accounts_never_checked(
    open_client: Connect, world: World, order: Ask, account: str, mode: str
) -> None:
    """A paper account in live mode and a stranger's are refused at every door that moves money."""
    client = await open_client(trading_mode=mode)
    request = order(account_id=account)
    world.add_fault({"kind": "slow_fill"})
    world.place_foreign_order(77, account="DU1", symbol="SPY", side="BUY", quantity=Decimal(1))

    for door in (client.place_order(request), client.what_if(request), client.get_account_snapshot(account)):
        with pytest.raises(AccountRefused, match=account):
            await door
    if mode == "live":
        with pytest.raises(AccountRefused, match=account):
            await client.cancel_order("77:1", timeout_seconds=1)

    assert world.journal.of("cancel_order") == world.journal.of("what_if") == []
    assert [entry.client_id for entry in world.journal.of("place_order")] == [77]


async def test_fault_19_hours_of_one_symbol_for_all(client: IBKRClient, world: World) -> None:
    """Each symbol has its own sessions, early closes included; the closing moment is outside; strangers are named."""
    early = "20261127:0930-20261127:1300"
    world.set_hours({"kind": "literal", "liquid_hours": early, "trading_hours": early}, "TLT")
    world.set_hours("closed", "SPY")

    hours = await client.get_trading_hours(["SPY", "TLT"])

    (session,) = hours["TLT"].regular
    assert hours["SPY"].regular == ()
    assert session.closes_at.isoformat() == "2026-11-27T18:00:00+00:00"
    assert (session.contains(session.opens_at), session.contains(session.closes_at)) == (True, False)
    with pytest.raises(ContractUnknown, match="NOPE"):
        await client.get_trading_hours(["SPY", "NOPE"])
