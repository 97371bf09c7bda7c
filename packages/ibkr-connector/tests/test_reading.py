"""Reading accounts over a gateway: complete, fresh, and never behind an execution."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from broker_connector_base import AssetClass, BrokerAPIError, BrokerConnectionError, OrderRequest, SnapshotIncomplete
from ibkr_connector import IBKRClient
from sandbox.gateway import GatewayServer
from sandbox.world import World

Ask = Callable[..., OrderRequest]
Connect = Callable[..., Awaitable[IBKRClient]]
Make = Callable[..., IBKRClient]


async def test_a_margin_account(client: IBKRClient) -> None:
    """Values and positions of an account that can borrow."""
    snapshot = await client.get_account_snapshot("DU1")

    (position,) = snapshot.positions
    assert (snapshot.net_liquidation, snapshot.cash, snapshot.other_cash) == (150_000, 100_000, 0)
    assert not snapshot.is_cash_account
    assert (position.symbol, position.quantity, position.is_tradeable) == ("SPY", 100, True)


async def test_a_cash_account(client: IBKRClient) -> None:
    """A cash account is told by its buying power, and spends settled cash only."""
    snapshot = await client.get_account_snapshot("DU2")

    assert snapshot.is_cash_account
    assert (snapshot.cash, snapshot.settled_cash, snapshot.spendable_cash) == (5000, 3000, 3000)
    assert snapshot.positions == ()


async def test_cash_of_other_currencies_is_told_apart(make_client: Make) -> None:
    """Euros are worth something and are no dollars; positions of other kinds and currencies are not tradeable."""
    world = World.from_dict(
        {
            "accounts": [
                {
                    "id": "DU1",
                    "cash": "1000",
                    "other_cash": {"EUR": "200"},
                    "positions": [
                        {"symbol": "SAP", "quantity": "50"},
                        {"symbol": "AAPL", "quantity": "100", "sec_type": "STK"},
                        {"symbol": "AAPL", "quantity": "-1", "sec_type": "OPT"},
                    ],
                },
            ],
            "instruments": [
                {"symbol": "SAP", "price": "100", "currency": "EUR"},
                {"symbol": "AAPL", "price": "200"},
                {
                    "symbol": "AAPL",
                    "price": "5",
                    "sec_type": "OPT",
                    "multiplier": 100,
                    "expiry": "20271217",
                    "strike": "220",
                    "right": "C",
                },
            ],
            "fx": {"EUR": "1.10"},
        },
    )
    async with GatewayServer(world) as gateway:
        client = make_client(port=gateway.port)
        await client.connect()
        snapshot = await client.get_account_snapshot("DU1")
        await client.disconnect()

    by_contract = {each.contract_id: each for each in snapshot.positions}
    assert (snapshot.cash, snapshot.other_cash) == (Decimal(1000), Decimal(220))
    assert [by_contract[each].is_tradeable for each in ("10001", "10002", "10003")] == [False, True, False]
    assert by_contract["10003"].asset_class is AssetClass.OTHER
    assert by_contract["10003"].quantity == -1
    world.close()


async def test_values_are_read_afresh(client: IBKRClient, world: World) -> None:
    """A deposit between two snapshots shows: nothing is served from a cache."""
    before = await client.get_account_snapshot("DU1")
    world.deposit("DU1", Decimal(500))

    after = await client.get_account_snapshot("DU1")

    assert after.cash - before.cash == 500


async def test_many_callers_at_once_all_get_answers(client: IBKRClient) -> None:
    """Requests without numbers take turns: none is orphaned by another."""
    snapshots = [client.get_account_snapshot(account) for account in ("DU1", "DU2") for _ in range(5)]
    lists = [client.get_open_orders("DU1") for _ in range(5)]

    read, listed = await asyncio.wait_for(asyncio.gather(asyncio.gather(*snapshots), asyncio.gather(*lists)), 5)

    assert [snapshot.account_id for snapshot in read] == ["DU1"] * 5 + ["DU2"] * 5
    assert listed == [()] * 5


async def test_a_cancelled_caller_leaves_the_next_one_whole(client: IBKRClient, world: World) -> None:
    """A caller that gives up in the middle of a list does not spoil the next caller's list."""
    world.set_latency({"reply_ms": 50})
    impatient = asyncio.ensure_future(client.get_account_snapshot("DU1"))
    await asyncio.wait({impatient}, timeout=0.08)
    impatient.cancel()

    snapshot = await client.get_account_snapshot("DU1")

    assert [position.quantity for position in snapshot.positions] == [100]


async def test_a_snapshot_waits_for_positions_to_catch_up(client: IBKRClient, world: World, order: Ask) -> None:
    """Positions lag the fill by 300 ms; the snapshot has the shares nevertheless."""
    world.set_latency({"account_lag_ms": 300})
    order_id = await client.place_order(order())
    await client.await_order(order_id, timeout_seconds=2)

    snapshot = await client.get_account_snapshot("DU1")

    assert {each.symbol: each.quantity for each in snapshot.positions} == {"SPY": 100, "TLT": 10}
    assert snapshot.cash == Decimal("99098.90")


async def test_positions_that_stay_behind_are_no_snapshot(
    open_client: Connect, world: World, order: Ask, pauses: list[float]
) -> None:
    """Positions that do not catch up in time are an error that names the contract; the next try starts afresh."""
    client = await open_client(settle_timeout_seconds=0.1, settle_seconds=60.0)
    world.set_latency({"account_lag_ms": 60_000})
    await client.await_order(await client.place_order(order()), timeout_seconds=2)

    with pytest.raises(SnapshotIncomplete, match=r"DU1.*contract 10002: 0 not 10"):
        await client.get_account_snapshot("DU1")

    await client.get_account_snapshot("DU1")
    (pause,) = pauses
    assert 30.0 < pause <= 60.0


async def test_a_fresh_session_distrusts_a_fresh_execution(
    open_client: Connect, client: IBKRClient, order: Ask, pauses: list[float]
) -> None:
    """Right after connecting, positions are believed only when the newest execution has settled."""
    await client.await_order(await client.place_order(order()), timeout_seconds=2)
    second = await open_client(client_id=6, settle_seconds=60.0)

    await second.get_account_snapshot("DU2")
    unaffected = list(pauses)
    await second.get_account_snapshot("DU1")

    assert unaffected == []
    (pause,) = pauses
    assert 30.0 < pause <= 60.0


async def test_a_trade_by_somebody_else_is_no_disagreement(client: IBKRClient, world: World) -> None:
    """Another client's execution is learned from the day's executions, and its shares are expected."""
    await client.get_account_snapshot("DU1")
    world.place_foreign_order(77, account="DU1", symbol="TLT", side="BUY", quantity=Decimal(3))
    await client.get_fills("DU1")

    snapshot = await client.get_account_snapshot("DU1")

    assert {each.symbol: each.quantity for each in snapshot.positions} == {"SPY": 100, "TLT": 3}


async def test_a_silent_gateway_gives_no_snapshot(open_client: Connect, gateway: GatewayServer) -> None:
    """No answer is an error within the request's time, never an empty account."""
    client = await open_client(request_timeout_seconds=0.1)
    gateway.freeze()

    with pytest.raises((SnapshotIncomplete, BrokerConnectionError)):
        await client.get_account_snapshot("DU1")


async def test_an_unanswered_list_ends_the_session(open_client: Connect, gateway: GatewayServer) -> None:
    """A late list could be read as part of the next one, so the session is over."""
    client = await open_client(request_timeout_seconds=0.1)
    gateway.freeze()

    with pytest.raises(BrokerConnectionError, match="open orders"):
        await client.get_open_orders("DU1")

    await asyncio.wait_for(client.wait_until_lost(), 1)


async def test_fills_of_the_day_are_everybodys(client: IBKRClient, world: World, order: Ask) -> None:
    """Executions on the account come with reference and commission, whoever caused them; other accounts' do not."""
    await client.await_order(await client.place_order(order()), timeout_seconds=2)
    world.place_foreign_order(77, account="DU1", symbol="SPY", side="SELL", quantity=Decimal(2))
    world.place_foreign_order(77, account="DU2", symbol="TLT", side="BUY", quantity=Decimal(1))

    async def until_there() -> int:
        while len(fills := await client.get_fills("DU1")) < 2:
            pass
        return len(fills)

    assert await asyncio.wait_for(until_there(), 2) == 2
    ours, theirs = await client.get_fills("DU1")
    assert (ours.order_ref, ours.commission) == (order().order_ref, 1)
    assert (theirs.symbol, theirs.quantity, theirs.commission) == ("SPY", 2, 1)


async def test_cash_that_is_there_is_told_at_once(client: IBKRClient) -> None:
    """Enough cash ends the wait before it begins."""
    cash = await asyncio.wait_for(client.await_cash("DU1", at_least=Decimal(99_000), timeout_seconds=30), 1)

    assert cash == 100_000


async def test_cash_is_awaited_until_it_arrives(client: IBKRClient, world: World) -> None:
    """Proceeds show up with the account's lag, and the wait ends with them."""
    world.set_latency({"account_lag_ms": 300})
    waiting = asyncio.ensure_future(client.await_cash("DU1", at_least=Decimal(100_500), timeout_seconds=30))
    await asyncio.wait({waiting}, timeout=0.05)
    world.deposit("DU1", Decimal(1000))

    assert await asyncio.wait_for(waiting, 2) == 101_000


async def test_cash_of_several_accounts_is_awaited_at_once(client: IBKRClient, world: World) -> None:
    """More callers than summaries may be subscribed to at a time do not stand in each other's way."""
    calls = [
        client.await_cash(account, at_least=Decimal(200_000), timeout_seconds=0.7)
        for account in ("DU1", "DU2", "DU1", "DU2")
    ]
    waiting = asyncio.gather(*calls)
    await asyncio.wait({waiting}, timeout=0.1)
    world.deposit("DU2", Decimal(300_000))

    assert await asyncio.wait_for(waiting, 5) == [100_000, 305_000, 100_000, 305_000]


async def test_cash_that_never_arrives_is_what_it_is(client: IBKRClient) -> None:
    """At the deadline the latest figure is returned."""
    cash = await client.await_cash("DU1", at_least=Decimal(1_000_000), timeout_seconds=0.1)

    assert cash == 100_000


async def test_a_read_only_gateway_lists_no_orders(client: IBKRClient, world: World) -> None:
    """The refusal of the list is an error at once, and not an empty list."""
    world.set_read_only(True)

    with pytest.raises(BrokerAPIError, match="321"):
        await asyncio.wait_for(client.get_open_orders("DU1"), 1)

    assert client.health().connected
