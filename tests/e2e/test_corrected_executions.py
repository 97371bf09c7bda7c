"""What the exchange corrects or takes back after its event has ended reaches the history, whoever is away meanwhile."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from event_queue.testing.postgres_server import PostgresServer
from running_system import Follower, System, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

WORLD: Mapping[str, Any] = {
    "instruments": [{"symbol": symbol, "price": 50} for symbol in ("BUSTED", "FEWER", "AWAY", "ATONCE")],
    "commission": {"minimum": "1"},
}
ORDERS = "SELECT status, filled_quantity, average_price, commission FROM rebalance_orders WHERE symbol = $1"
FILLS = "SELECT quantity, price, commission, commission_currency FROM rebalance_fills WHERE symbol = $1"


def follower(symbol: str) -> Follower:
    """An account that buys 198 shares of one symbol."""
    return Follower(account_id=f"DU3{symbol}", answer={symbol: 1.0}, positions={}, cash=10_000, reserve=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(open_system: Callable[..., AbstractAsyncContextManager[System]]) -> AsyncGenerator[System]:
    """One system for all tests."""
    followers = [follower(symbol) for symbol in ("BUSTED", "FEWER", "AWAY", "ATONCE")]
    async with open_system(followers, WORLD) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def database(system: System, postgres_server: PostgresServer) -> AsyncGenerator[Any]:
    """The history of that system."""
    driver: Any = asyncpg
    connection = await driver.connect(postgres_server.dsn(system.processor.environment["POSTGRES_DATABASE"]))
    yield connection
    await connection.close()


async def rows(database: Any, query: str, symbol: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await database.fetch(query, symbol)]


def bought(symbol: str, system: System) -> Decimal:
    """What the day's one execution brought."""
    (fill,) = system.account(f"DU3{symbol}").fills
    return fill.quantity


def told(event: Mapping[str, Any]) -> list[tuple[str, str, list[str]]]:
    """What the API tells of executions: shares, price, what they replace."""
    fills = (entry["details"] for entry in event["history"] if entry["kind"] == "fill")
    return [(fill["quantity"], fill["price"], fill.get("replaces", [])) for fill in fills]


async def test_a_bust_after_the_event_takes_its_shares_out_of_the_history(system: System, database: Any) -> None:
    """The event's own history keeps both words; the rows show what stands."""
    run = await system.rebalance("DU3BUSTED")
    shares = bought("BUSTED", system)
    await eventually(lambda: rows(database, FILLS, "BUSTED"), lambda seen: seen == [(shares, 50, 1, "USD")])
    filled = await eventually(lambda: rows(database, ORDERS, "BUSTED"), lambda seen: seen[0][0] == "FILLED")

    system.world.bust_last_fill("DU3BUSTED")
    ended = await eventually(lambda: rows(database, ORDERS, "BUSTED"), lambda seen: seen[0][0] == "ENDED")
    event = await system.api.event_once(run.event["event_id"], lambda event: len(told(event)) == 2)

    assert filled == [("FILLED", shares, 50, 1)]
    assert ended == [("ENDED", 0, None, 0)]
    assert await rows(database, FILLS, "BUSTED") == []
    (first, bust) = told(event)
    assert (first[0], bust[0], len(bust[2])) == (str(shares), "0", 1)
    assert system.held("DU3BUSTED") == {}


async def test_a_correction_to_fewer_shares_reaches_executions_and_order(system: System, database: Any) -> None:
    """With its price; the order is not filled any more."""
    symbol = {"symbol": "FEWER", "quantity": "3", "price": "49", "after_ms": 3000}
    system.world.add_fault({"kind": "correct_execution", **symbol})
    await system.rebalance("DU3FEWER")

    await eventually(lambda: rows(database, ORDERS, "FEWER"), lambda seen: seen == [("ENDED", 3, 49, 1)])

    assert await rows(database, FILLS, "FEWER") == [(3, 49, 1, "USD")]
    assert system.held("DU3FEWER") == {"FEWER": 3}


async def test_a_bust_while_no_worker_runs_is_written_by_the_next(system: System, database: Any) -> None:
    """It hears of the execution and of its bust once more; what it heard first comes back no more."""
    run = await system.rebalance("DU3AWAY")
    await system.processor.kill()
    system.world.bust_last_fill("DU3AWAY")
    await system.processor.start()

    await eventually(lambda: rows(database, ORDERS, "AWAY"), lambda seen: seen == [("ENDED", 0, None, 0)])
    await system.processor.restart()
    event = await system.api.event_once(run.event["event_id"], lambda event: len(told(event)) >= 2)

    assert await rows(database, FILLS, "AWAY") == []
    assert [shares for shares, _, _ in told(event)][-1] == "0"


async def test_a_bust_during_the_rebalance_is_in_no_result(system: System, database: Any) -> None:
    """The 98 shares that were taken back are bought again, and counted once; in the end those are busted too."""
    system.world.add_fault({"kind": "partial_fill", "symbol": "ATONCE", "quantity": "98", "rest_after_ms": 3000})
    system.world.add_fault({"kind": "correct_execution", "symbol": "ATONCE", "quantity": "0", "after_ms": 2000})

    run = await system.rebalance("DU3ATONCE")

    (order,) = run.result["orders"]
    assert (order["status"], order["filled_quantity"], order["commission"]) == ("FILLED", 198, 1)
    await eventually(lambda: rows(database, ORDERS, "ATONCE"), lambda seen: seen == [("ENDED", 0, None, 0)])
    assert await rows(database, FILLS, "ATONCE") == []
