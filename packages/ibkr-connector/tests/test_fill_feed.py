"""Executions that nobody waits for: told as they come, and asked for where their messages were lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import pytest

from broker_connector_base import Fill, OrderRequest, OrderType, Side
from ibkr_connector import IBKRClient, IBKRConnectionSettings
from ibkr_connector.fill_feed import FillFeed
from ibkr_connector.line import Line
from ibkr_connector.messages import CommissionTold, ExecutionTold, OrderKey
from ibkr_connector.session import GatewaySession
from sandbox.gateway import GatewayServer
from sandbox.world import World

Ask = Callable[..., OrderRequest]
NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)
EXECUTION = ExecutionTold(
    exec_id="0000e1.5f.01.01",
    key=OrderKey(5, 7),
    perm_id=70,
    order_ref="event-1:1:BUY:TLT",
    account_id="DU1",
    contract_id=1,
    symbol="TLT",
    side=Side.BUY,
    quantity=Decimal(10),
    price=Decimal(90),
    executed_at=NOON,
)


async def take(heard: AsyncIterator[Fill], count: int) -> list[Fill]:
    """So many fills."""
    async with asyncio.timeout(20):
        return [await anext(heard) for _ in range(count)]


async def is_silent(heard: AsyncIterator[Fill]) -> bool:
    """Whether no fill comes for a while."""
    waiting = asyncio.ensure_future(anext(heard))
    done, _ = await asyncio.wait({waiting}, timeout=0.7)
    waiting.cancel()
    return not done


async def test_every_execution_is_told_once_with_its_commission(client: IBKRClient, order: Ask) -> None:
    """Of several orders, although the lists of the day tell them again."""
    heard = client.hear_fills()
    for symbol in ("TLT", "SPY"):
        request = order(symbol=symbol, order_ref=f"event-1:1:BUY:{symbol}")
        await client.await_order(await client.place_order(request), timeout_seconds=5)
    fills = await take(heard, 2)
    await client.get_fills("DU1")

    assert {(fill.symbol, fill.quantity, fill.commission) for fill in fills} == {("TLT", 10, 1), ("SPY", 10, 1)}
    assert await is_silent(heard)


@pytest.mark.parametrize("code", [1101, 1102])
async def test_an_execution_in_an_outage_of_the_brokerage_is_asked_for(
    client: IBKRClient, world: World, gateway: GatewayServer, order: Ask, code: Literal[1101, 1102]
) -> None:
    """It is never told by itself afterwards, and nobody follows the order."""
    heard = client.hear_fills()
    limit = order(order_type=OrderType.LIMIT, limit_price=Decimal(50))
    await client.await_order(await client.place_order(limit), timeout_seconds=0.1)
    gateway.broadcast(1100)
    world.set_price("TLT", Decimal(49))
    gateway.broadcast(code)

    (fill,) = await take(heard, 1)

    assert (fill.order_ref, fill.quantity) == (limit.order_ref, 10)


@pytest.fixture
async def session() -> GatewaySession:
    """A session whose messages the test makes up."""
    settings = IBKRConnectionSettings(
        host="127.0.0.1", port=1, client_id=5, trading_mode="paper", commission_wait_seconds=0.05
    )
    return GatewaySession(settings, lambda: NOON)


@pytest.fixture
async def heard(session: GatewaySession) -> AsyncIterator[Fill]:
    """What is told of its executions."""
    line = Line.over(session)
    return FillFeed(session, line.requests, line.follower).hear()


async def test_a_commission_that_comes_late_is_told(session: GatewaySession, heard: AsyncIterator[Fill]) -> None:
    """The execution as soon as the wait for its commission is over; then again with it."""
    session.receive(EXECUTION)
    without = await take(heard, 1)
    session.receive(CommissionTold(EXECUTION.exec_id, Decimal("1.05")))
    with_it = await take(heard, 1)

    assert [fill.commission for fill in (*without, *with_it)] == [None, Decimal("1.05")]
    assert without[0].exec_id == with_it[0].exec_id


async def test_a_correction_names_what_it_replaces(session: GatewaySession, heard: AsyncIterator[Fill]) -> None:
    """Every revision of before; the parts of an order that only look alike stay apart."""
    for exec_id in ("0000e1.5f.01.01", "0000e1.5f.02.01", "0000e1.5f.01.03"):
        session.receive(CommissionTold(exec_id, Decimal(1)))
    for exec_id in ("0000e1.5f.01.01", "0000e1.5f.02.01", "0000e1.5f.01.03"):
        session.receive(_execution(exec_id))

    fills = await take(heard, 2)

    assert {fill.exec_id: fill.replaces for fill in fills} == {
        "0000e1.5f.01.03": ("0000e1.5f.01.01", "0000e1.5f.01.02"),
        "0000e1.5f.02.01": (),
    }


async def test_a_bust_is_told_with_what_it_takes_back(session: GatewaySession, heard: AsyncIterator[Fill]) -> None:
    """Whoever wrote the execution down has to hear of it, once; no commission of it is waited for, and none is told."""
    session.receive(CommissionTold(EXECUTION.exec_id, Decimal(1)))
    session.receive(EXECUTION)
    told = await take(heard, 1)
    session.receive(replace(EXECUTION, exec_id="0000e1.5f.01.02", quantity=Decimal(0)))
    bust = await take(heard, 1)
    session.receive(CommissionTold("0000e1.5f.01.02", Decimal(0)))

    assert await is_silent(heard)
    assert bust[0].commission is None
    assert [(fill.exec_id, fill.quantity, fill.replaces) for fill in (*told, *bust)] == [
        ("0000e1.5f.01.01", 10, ()),
        ("0000e1.5f.01.02", 0, ("0000e1.5f.01.01",)),
    ]


def _execution(exec_id: str) -> ExecutionTold:
    return replace(EXECUTION, exec_id=exec_id)


async def test_a_status_without_its_execution_is_asked_about(client: IBKRClient, world: World, order: Ask) -> None:
    """The gateway says that the order filled, and tells no execution by itself."""
    world.add_fault({"kind": "status_before_execution", "after_ms": 60_000})
    heard = client.hear_fills()
    await client.place_order(order())

    (fill,) = await take(heard, 1)

    assert (fill.order_ref, fill.quantity) == (order().order_ref, 10)
