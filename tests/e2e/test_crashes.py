"""Case 23 and stopping in the middle: whatever ends the worker, the next start reaches the same final positions.

All share one system, in which every test has an account of its own with the portfolio of case 5: two sells, one buy.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import pytest_asyncio

from running_system import Follower, Run, System

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

WORLD: Mapping[str, Any] = {
    "instruments": [{"symbol": symbol, "price": price} for symbol, price in {"AAA": 50, "BBB": 20, "CCC": 125}.items()]
}
CASE_FIVE: Mapping[str, Any] = {
    "answer": {"AAA": 0.3, "BBB": 0.3, "CCC": 0.4},
    "positions": {"AAA": 1000, "BBB": 1500},
    "cash": 20_000,
    "reserve": 1,
}
SELLS = [("SELL", 406, "AAA"), ("SELL", 15, "BBB")]
BUYS = [("BUY", 316, "CCC")]
HELD_AFTER = {"AAA": 594, "BBB": 1485, "CCC": 316}
SETTINGS = {"PROCESSING_SHUTDOWN_GRACE_SECONDS": "1"}
ACCOUNTS = ("DUSOLD", "DUPLACED", "DUOPEN", "DUBOUGHT", "DUSTOP", "DUSTOPOPEN", "DULONE", "DUCUTPLACED", "DUCUTFILLED")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(open_system: Callable[..., AbstractAsyncContextManager[System]]) -> AsyncGenerator[System]:
    """One system for all tests."""
    followers = [Follower(account_id=account_id, **CASE_FIVE) for account_id in ACCOUNTS]
    async with open_system(followers, WORLD, settings=SETTINGS) as running:
        yield running


async def sells(system: System, kind: Any, account_id: str) -> None:
    """Wait until this has happened to both sells."""
    await asyncio.gather(*(system.happened(kind, account_id, symbol=symbol) for symbol in ("AAA", "BBB")))


async def stopped_amid_sells(system: System, account_id: str) -> str:
    """Stop the worker once its sells have left: it ends in good order and has placed nothing more; the event's id."""
    event_id = await system.signal(account_id)
    await sells(system, "order_accepted", account_id)
    system.processor.terminate()
    code = await system.processor.ended()

    assert code == 0
    assert Run({}, system.journal(account_id)).orders == SELLS
    return event_id


async def restarted(system: System, event_id: str, account_id: str) -> Run:
    """Start the worker again, and wait until the event has ended."""
    assert not system.processor.is_running
    await system.processor.start()
    return await system.finished(event_id, account_id)


async def test_case_23_killed_between_sells_and_buys(system: System) -> None:
    """After the restart nothing is sold again, and the buy goes out once."""
    event_id = await system.signal("DUSOLD")
    await sells(system, "fill", "DUSOLD")
    await system.processor.kill()
    before = Run({}, system.journal("DUSOLD"))

    run = await restarted(system, event_id, "DUSOLD")

    assert before.orders == SELLS
    assert run.orders == [*SELLS, *BUYS]
    assert system.held("DUSOLD") == HELD_AFTER
    assert run.event["times_queued"] == 2


async def test_case_23_killed_right_after_placing_an_order_that_fills(system: System) -> None:
    """What fills while nobody listens is found by its orderRef, counted, and not sold again."""
    system.world.add_fault({"kind": "slow_fill", "account": "DUPLACED", "side": "SELL", "after_ms": 200})
    event_id = await system.signal("DUPLACED")
    await sells(system, "order_accepted", "DUPLACED")
    await system.processor.kill()
    await sells(system, "fill", "DUPLACED")

    run = await restarted(system, event_id, "DUPLACED")

    assert run.orders == [*SELLS, *BUYS]
    assert system.held("DUPLACED") == HELD_AFTER
    refs = {entry["details"]["order_ref"] for entry in run.event["history"] if entry["kind"] == "fill"}
    assert {f"{event_id}:1:SELL:AAA", f"{event_id}:1:SELL:BBB", f"{event_id}:2:BUY:CCC"} == refs


async def test_case_23_killed_right_after_placing_an_order_that_stays_open(system: System) -> None:
    """The next start cancels what is still open before it sells anew; nothing is sold twice."""
    system.world.add_fault({"kind": "slow_fill", "account": "DUOPEN", "symbol": "AAA", "times": 1})
    event_id = await system.signal("DUOPEN")
    await sells(system, "order_accepted", "DUOPEN")
    await system.happened("fill", "DUOPEN", symbol="BBB")
    await system.processor.kill()

    run = await restarted(system, event_id, "DUOPEN")

    assert run.cancels == 1
    assert system.held("DUOPEN") == HELD_AFTER
    refs = [entry.order_ref for entry in run.journal if entry.kind == "place_order"]
    assert len(refs) == len(set(refs)) == 4


async def test_case_23_killed_after_the_last_fill(system: System) -> None:
    """An event whose work is done but not written down finds nothing left to do."""
    event_id = await system.signal("DUBOUGHT")
    await system.happened("fill", "DUBOUGHT", symbol="CCC")
    await system.processor.kill()

    run = await restarted(system, event_id, "DUBOUGHT")

    assert run.orders == [*SELLS, *BUYS]
    assert system.held("DUBOUGHT") == HELD_AFTER
    assert (run.event["status"], run.event["times_queued"]) == ("completed", 2)


async def test_sigterm_between_sells_and_buys_places_nothing_more(system: System) -> None:
    """The sells in flight are followed, the process ends with 0, and the next start buys."""
    system.world.add_fault({"kind": "slow_fill", "account": "DUSTOP", "side": "SELL", "after_ms": 200})
    event_id = await stopped_amid_sells(system, "DUSTOP")

    run = await restarted(system, event_id, "DUSTOP")

    assert run.orders == [*SELLS, *BUYS]
    assert system.held("DUSTOP") == HELD_AFTER


async def test_sigterm_leaves_an_order_that_does_not_fill_to_the_next_start(system: System) -> None:
    """After the grace period the process ends with 0 all the same; the next start cancels and goes on."""
    system.world.add_fault({"kind": "slow_fill", "account": "DUSTOPOPEN", "symbol": "AAA", "times": 1})
    event_id = await stopped_amid_sells(system, "DUSTOPOPEN")

    run = await restarted(system, event_id, "DUSTOPOPEN")

    assert run.cancels == 1
    assert system.held("DUSTOPOPEN") == HELD_AFTER


@pytest.mark.parametrize("when", ["placed", "filled"])
async def test_a_connection_that_breaks_mid_order_sells_nothing_twice(system: System, when: str) -> None:
    """The socket is cut as the first sell is placed, or filled; the next attempt goes on from what really happened."""
    account_id = f"DUCUT{when.upper()}"
    system.world.add_fault({"kind": "disconnect", "account": account_id, "when": when, "times": 1})

    event_id = await system.signal(account_id)
    run = await system.finished(event_id, account_id)

    assert run.event["times_queued"] >= 2
    assert system.held(account_id) == HELD_AFTER
    assert sum(entry.details["quantity"] == "406" for entry in run.journal if entry.kind == "fill") == 1


async def test_sigterm_ends_every_service_in_good_order(system: System) -> None:
    """All three exit with 0, and started again they work as before."""
    for service in system.services:
        service.terminate()
    codes = [await service.ended() for service in system.services]
    await system.start()

    run = await system.rebalance("DULONE")

    assert codes == [0, 0, 0]
    assert run.orders == [*SELLS, *BUYS]
