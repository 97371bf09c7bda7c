"""Case 21 of the rebalancing rules: the closing auction of a day on which the market closes early.

Each test closes the markets of its own symbols so many minutes from now, as an early close would.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from running_system import Follower, System

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

NEW_YORK = ZoneInfo("America/New_York")
PRICES = {"AAA": 50, "BBB": 20, "CCC": 125}
WORLD: Mapping[str, Any] = {
    "instruments": [
        {"symbol": symbol + test, "price": price} for symbol, price in PRICES.items() for test in ("MOC", "MKT", "SHUT")
    ],
    "commission": {"minimum": "1"},
}


def follower(test: str, **configured: Any) -> Follower:
    """An account like that of case 5, in symbols of its own."""
    return Follower(
        account_id=f"DU21{test}",
        answer={f"AAA{test}": 0.3, f"BBB{test}": 0.3, f"CCC{test}": 0.4},
        positions={f"AAA{test}": 1000, f"BBB{test}": 1500},
        cash=20_000,
        reserve=1,
        configured=configured,
    )


FOLLOWERS = [follower("MOC", pdt_protection_enabled=True), follower("MKT"), follower("SHUT")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(open_system: Callable[..., AbstractAsyncContextManager[System]]) -> AsyncGenerator[System]:
    """One system for all tests, whose orders are for the close."""
    async with open_system(FOLLOWERS, WORLD, settings={"ORDERS_TYPE": "MOC"}) as running:
        yield running


def close_in(system: System, test: str, minutes: int) -> datetime:
    """Have the markets of a test's symbols close so many minutes from now, and open again two days later."""
    now = system.world.parts.now().astimezone(NEW_YORK).replace(second=0, microsecond=0)
    closes, opens_again = now + timedelta(minutes=minutes), now + timedelta(days=2)
    sessions = ((now - timedelta(hours=3), closes), (opens_again, opens_again + timedelta(hours=6)))
    text = ";".join(f"{start:%Y%m%d:%H%M}-{end:%Y%m%d:%H%M}" for start, end in sessions)
    for symbol in PRICES:
        hours = {"kind": "literal", "trading_hours": text, "liquid_hours": text}
        system.world.set_hours(hours, symbol + test)
    return opens_again


def order_types(system: System, account_id: str, since: int) -> set[str]:
    """The types of all orders that the account's events placed."""
    placed = (entry for entry in system.journal(account_id, since) if entry.kind == "place_order")
    return {entry.details["order_type"] for entry in placed}


def fills(event: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What an event's history tells of executions: symbol, shares, commission."""
    told = (entry["details"] for entry in event["history"] if entry["kind"] == "fill")
    return sorted((fill["symbol"], fill["quantity"], fill["commission"]) for fill in told)


async def test_case_21_half_an_hour_before_an_early_close_orders_go_to_the_auction(system: System) -> None:
    """12:30 before 13:00: sells and buys together, the buys on the 19 000 that are there: 152 CCC, not 316.

    The event ends before the auction; what the auction fills is written under it, once, and the day is used up.
    """
    close_in(system, "MOC", 31)
    since = system.now_seq
    run = await system.rebalance("DU21MOC")
    second = await system.signal("DU21MOC")
    skipped = await system.api.event_once(second, lambda event: event["status"] == "skipped")
    close_in(system, "MOC", 0)
    event = await system.api.event_once(run.event["event_id"], lambda event: len(fills(event)) == 3)

    sent = [(order["action"], order["quantity"], order["symbol"]) for order in run.result["orders"]]
    assert sent == [("SELL", 406, "AAAMOC"), ("SELL", 15, "BBBMOC"), ("BUY", 152, "CCCMOC")]
    assert order_types(system, "DU21MOC", since) == {"MOC"}
    assert "3 market-on-close orders working until" in run.result["message"]
    assert run.event["event_id"] in skipped["result"]["message"]
    assert fills(event) == [("AAAMOC", "406", "1"), ("BBBMOC", "15", "1"), ("CCCMOC", "152", "1")]
    assert system.held("DU21MOC") == {"AAAMOC": 594, "BBBMOC": 1485, "CCCMOC": 152}


async def test_case_21_ten_minutes_before_an_early_close_orders_go_to_the_market(system: System) -> None:
    """12:50 before 13:00 is after the cut-off: sells first, then 316 CCC from the proceeds."""
    close_in(system, "MKT", 10)
    since = system.now_seq

    run = await system.rebalance("DU21MKT")

    assert order_types(system, "DU21MKT", since) == {"MKT"}
    assert [order["quantity"] for order in run.result["orders"]] == [406, 15, 316]
    assert run.result["status"] == "success"


async def test_case_21_at_the_close_the_event_waits_for_the_next_opening(system: System) -> None:
    """13:00:00 is closed: the event is delayed with payload and count as they were, and nothing is touched."""
    opening = close_in(system, "SHUT", 0)
    since, payload = system.now_seq, {"exec": "rebalance", "note": "carried along"}

    event_id = await system.signal("DU21SHUT", payload)
    event = await system.api.event_once(event_id, lambda event: event["status"] == "delayed")

    assert (event["times_queued"], event["data"]) == (1, payload)
    assert datetime.fromisoformat(event["due_at"]) == opening
    assert system.journal("DU21SHUT", since) == []
