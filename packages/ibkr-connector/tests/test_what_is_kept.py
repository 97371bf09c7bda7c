"""What orders, quotes and short connections leave behind in a session that lasts all day: as little as is needed."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sized
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from weakref import ref

import pytest

from broker_connector_base import OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from ibkr_connector import IBKRConnectionSettings
from ibkr_connector.connection import open_session
from ibkr_connector.contracts import ContractCache, QualifiedStock, find_details
from ibkr_connector.details_book import DetailsBook
from ibkr_connector.executions import ExecutionBook
from ibkr_connector.line import Line
from ibkr_connector.messages import OrderKey, StatusTold
from ibkr_connector.order_book import OrderBook
from ibkr_connector.order_record import OrderRecord
from ibkr_connector.orders import send_order
from ibkr_connector.owner_lines import OwnerLines
from ibkr_connector.prices import PriceBook
from sandbox.gateway import GatewayServer
from sandbox.world import World

NOW = datetime.now(UTC)  # noqa: TID251 - the simulated gateway keeps real time
CLIENT_ID = 5


def _request(number: int) -> OrderRequest:
    return OrderRequest(
        account_id="DU1",
        symbol="TLT",
        side=Side.BUY,
        quantity=1,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        order_ref=f"event-{number}:1:BUY:TLT",
    )


@pytest.fixture
async def line(gateway: GatewayServer) -> AsyncIterator[Line]:
    """A connection of ours."""
    settings = IBKRConnectionSettings(
        host="127.0.0.1", port=gateway.port, client_id=CLIENT_ID, trading_mode="paper", commission_wait_seconds=1
    )
    session = await open_session(settings, now=lambda: NOW, pause=asyncio.sleep)  # noqa: TID251 - never pauses here
    yield Line.over(session)
    await session.close("done")


async def test_ib_async_keeps_no_order_no_execution_and_no_quote(line: Line) -> None:
    """It would until the connection ends, each order with seven events of its own."""
    session = line.session
    stock, before = await _tlt(line), _sizes(session.ib.wrapper)
    await PriceBook(session, lambda: NOW).read([stock], allow_previous_close=False, max_age_seconds=0)
    for number in range(3):
        record = send_order(session, stock, _request(number))
        await line.follower.result(record, _request(number), timeout_seconds=5)
    await line.requests.open_orders()
    await line.requests.executions("DU1")
    completed = await line.requests.completed_orders()

    grown = {name for name, size in _sizes(session.ib.wrapper).items() if size > before[name]}

    assert len(completed) == 3
    assert grown <= {"acctSummary", "accountValues", "portfolio", "positions"}


async def _tlt(line: Line) -> QualifiedStock:
    details = DetailsBook(partial(find_details, line.requests), lambda: NOW)
    return (await ContractCache().qualify(details, ["TLT"]))["TLT"]


def _sizes(wrapper: object) -> dict[str, int]:
    """Of everything that the wrapper holds."""
    return {name: len(held) for name, held in vars(wrapper).items() if isinstance(held, Sized)}


async def test_numbers_of_orders_pass_those_of_other_clients(line: Line, world: World) -> None:
    """Each order that is listed moves our next number on."""
    world.add_fault({"kind": "slow_fill", "client_id": 77})
    theirs = [_place_for(world, 77) for _ in range(30)]
    before: int = line.session.raw.getReqId()

    await line.requests.open_orders()

    assert before < max(theirs)
    assert send_order(line.session, await _tlt(line), _request(1)).key.order_id > max(theirs)


def _place_for(world: World, client_id: int) -> int:
    return world.place_foreign_order(client_id, account="DU1", symbol="SPY", side="BUY", quantity=Decimal(1)).order_id


async def test_a_short_connection_is_let_go(line: Line, gateway: GatewayServer) -> None:
    """The main one outlives many of them."""
    owners = OwnerLines(line.session, lambda: NOW)
    async with owners.visit(77) as visit:
        session = ref((await visit.line(timeout_seconds=5)).session)
        there = gateway.client_ids
    del visit

    line.session.pace.counted(asyncio.get_running_loop().time() + 60)  # its last messages count no more
    gc.collect()
    assert there == (CLIENT_ID, 77)
    assert session() is None


def _ended(number: int, *, is_told: bool = True) -> OrderRecord:
    record = OrderRecord(
        key=OrderKey(CLIENT_ID, number),
        account_id="DU1",
        symbol="TLT",
        side=Side.BUY,
        quantity=Decimal(1),
        order_ref=f"ref-{number}",
        request=_request(number),
        is_end_told=is_told,
    )
    record.told(StatusTold(key=record.key, perm_id=number, status="Cancelled", filled=Decimal(0)))
    return record


def test_the_oldest_orders_that_are_over_are_forgotten() -> None:
    """The latest hundred can be asked about still, and so can whatever lives or has an end that nobody was told."""
    book = OrderBook(CLIENT_ID, ExecutionBook())
    alive, untold = _ended(1), _ended(2, is_told=False)
    alive.told(StatusTold(key=alive.key, perm_id=1, status="Submitted", filled=Decimal(0)))
    for record in (alive, untold, *(_ended(number) for number in range(3, 1000))):
        book.add(record)

    kept = [record.key.order_id for record in book]

    assert alive.status is OrderStatus.WORKING
    assert kept[:2] == [1, 2]
    assert kept[-100:] == list(range(900, 1000))
    assert len(kept) <= 302
