"""What is held between sells and buys: as pushed where that shows the executions and no more, else as asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from ib_async import Contract, Position

from broker_connector_base import OrderRequest, OrderStatus, Side
from ibkr_connector import IBKRClient
from ibkr_connector.holdings import Holdings
from ibkr_connector.messages import ExecutionTold, OrderKey, PositionTold
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession
from ibkr_connector.settings import IBKRConnectionSettings
from sandbox.gateway import GatewayServer
from sandbox.world import World

Ask = Callable[..., OrderRequest]
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
SELL_SPY = {"symbol": "SPY", "side": Side.SELL, "order_ref": "event-1:1:SELL:SPY"}


def _asked(world: World, message: str) -> int:
    return sum(entry.details["message"] == message for entry in world.journal.of("request"))


async def _sell(client: IBKRClient, request: OrderRequest) -> None:
    """Look at the account, then sell."""
    await client.get_account_snapshot("DU1")
    result = await client.await_order(await client.place_order(request), timeout_seconds=5)
    assert result.status is OrderStatus.FILLED


async def _others_trade(world: World, symbol: str, side: Side, quantity: int) -> None:
    """A trade of another client, done and shown in the account."""
    placed = world.place_foreign_order(77, account="DU1", symbol=symbol, side=side.value, quantity=Decimal(quantity))
    async with asyncio.timeout(5):
        await world.journal.until(lambda entry: entry.kind == "fill" and entry.order_id == placed.order_id)


async def _held(client: IBKRClient) -> dict[str, Decimal]:
    positions = await client.get_positions_after_trading("DU1", timeout_seconds=5)
    return {each.symbol: each.quantity for each in positions}


async def test_positions_that_show_the_sells_are_not_asked_for(client: IBKRClient, world: World, order: Ask) -> None:
    """The gateway pushes what a trade changes; nothing is sent."""
    await _sell(client, order(**SELL_SPY))
    before = len(world.journal.of("request"))

    held = await _held(client)

    assert held == {"SPY": 90}
    assert len(world.journal.of("request")) == before


@pytest.mark.parametrize(
    ("symbol", "side", "held"),
    [
        ("TLT", Side.BUY, {"SPY": 90, "TLT": 7}),
        ("SPY", Side.BUY, {"SPY": 97}),
        ("SPY", Side.SELL, {"SPY": 83}),
    ],
)
async def test_trades_of_others_are_seen(
    client: IBKRClient, world: World, order: Ask, symbol: str, side: Side, held: dict[str, int]
) -> None:
    """Bought or sold beside our sell, in its contract or another: the positions are asked for, once."""
    await _sell(client, order(**SELL_SPY))
    await _others_trade(world, symbol, side, 7)
    await client.get_open_orders("DU1")  # an answer that comes after whatever was pushed
    asked = _asked(world, "POSITIONS")

    assert await _held(client) == held
    assert _asked(world, "POSITIONS") == asked + 1


async def test_positions_that_lag_are_waited_for(client: IBKRClient, world: World, order: Ask) -> None:
    """The first look comes too early; the push ends the wait. Known to come, it is waited for without a question."""
    world.set_latency({"account_lag_ms": 200})
    await _sell(client, order(**SELL_SPY))
    first = await _held(client)
    await _sell(client, order(**SELL_SPY | {"order_ref": "event-2:1:SELL:SPY"}))
    asked = _asked(world, "POSITIONS")

    second = await _held(client)

    assert (first, second) == ({"SPY": 90}, {"SPY": 80})
    assert _asked(world, "POSITIONS") == asked


async def test_after_an_outage_positions_are_asked_for(
    client: IBKRClient, world: World, gateway: GatewayServer, order: Ask
) -> None:
    """What was pushed while the gateway was cut off is lost, and the trade of somebody else with it."""
    await _sell(client, order(**SELL_SPY))
    gateway.broadcast(1100)
    await _others_trade(world, "TLT", Side.BUY, 7)
    gateway.broadcast(1102)
    await client.get_open_orders("DU1")  # an answer that comes after the end of the outage

    assert await _held(client) == {"SPY": 90, "TLT": 7}


async def test_in_a_new_session_positions_are_asked_for(
    open_client: Callable[..., Awaitable[IBKRClient]], world: World, order: Ask
) -> None:
    """There is no first look to compare with."""
    client = await open_client()
    await _sell(client, order(**SELL_SPY))
    await client.disconnect()
    await client.connect()
    asked = _asked(world, "POSITIONS")

    assert await _held(client) == {"SPY": 90}
    assert _asked(world, "POSITIONS") == asked + 1


class _Stubborn(Requests):
    """A gateway that pushes nothing, and whose positions are what is set."""

    def __init__(self, session: GatewaySession, held: int) -> None:
        super().__init__(session)
        self.held = held
        self.asked = 0

    async def executions(self, account_id: str) -> None:
        assert account_id == "DU1"

    async def positions(self, account_id: str = "") -> list[Position]:
        self.asked += 1
        contract = Contract(conId=7, symbol="SPY", secType="STK", currency="USD")
        return [Position(account_id, contract, self.held, 10.0)]


async def _pause(_seconds: float) -> None:
    raise AssertionError("nothing to settle here")


def _ten_sold() -> ExecutionTold:
    return ExecutionTold(
        exec_id="a.b.1.01",
        key=OrderKey(5, 12),
        perm_id=1,
        order_ref="ref",
        account_id="DU1",
        contract_id=7,
        symbol="SPY",
        side=Side.SELL,
        quantity=Decimal(10),
        price=Decimal(100),
        executed_at=NOW,
    )


@pytest.mark.parametrize("held", [90, 100])
async def test_without_pushes_the_brokerage_is_asked_and_believed(held: int) -> None:
    """At once where its answer shows the sell; where it never does, when the time is over."""
    settings = IBKRConnectionSettings(host="h", port=1, client_id=5, trading_mode="paper")
    session = GatewaySession(settings, lambda: NOW)
    session.receive(PositionTold("DU1", 7, Decimal(100)))
    requests = _Stubborn(session, held)
    holdings = Holdings(session, requests, now=lambda: NOW, pause=_pause)
    holdings.begin(frozenset({"DU1"}))
    session.receive(_ten_sold())

    (position,) = await holdings.after_trading("DU1", timeout_seconds=0.1)

    assert position.position == held
    assert requests.asked
    assert holdings.has_agreement("DU1") is (held == 90)
