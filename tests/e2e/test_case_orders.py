"""Cases 16, 17, 19 to 22, 24 and 25 of the rebalancing rules: orders that meet trouble, and accounts that are refused.

All share one system, in which every case has an account and a model of its own; orders have three seconds to fill.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from running_system import Follower, System

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

NEW_YORK = ZoneInfo("America/New_York")
PRICES = {"AAA": 50, "BBB": 20, "CCC": 125, "A": 100, "B": 50, "SHUT": 10}
WORLD: Mapping[str, Any] = {"instruments": [{"symbol": symbol, "price": price} for symbol, price in PRICES.items()]}
CASE_FIVE: Mapping[str, Any] = {
    "answer": {"AAA": 0.3, "BBB": 0.3, "CCC": 0.4},
    "positions": {"AAA": 1000, "BBB": 1500},
    "cash": 20_000,
    "reserve": 1,
}
SELLS_OF_FIVE = [("SELL", 406, "AAA"), ("SELL", 15, "BBB")]
ORDERS_OF_FIVE = [*SELLS_OF_FIVE, ("BUY", 316, "CCC")]
HELD_AFTER_FIVE = {"AAA": 594, "BBB": 1485, "CCC": 316}
BUYS_A: Mapping[str, Any] = {"answer": {"A": 1}, "cash": 10_000}
FOLLOWERS = [
    *(
        Follower(account_id=account_id, **CASE_FIVE)
        for account_id in ("DU16", "DU16OTHERS", "DU17", "DU19", "DU22", "DU24")
    ),
    Follower(account_id="DU20", **BUYS_A),
    Follower(account_id="DU20FOREIGN", **BUYS_A),
    Follower(account_id="DU20OTHER", **BUYS_A),
    Follower(account_id="DU21", answer={"A": 0.5, "SHUT": 0.5}, cash=10_000),
    Follower(account_id="DU25", channel="shared-model", **BUYS_A),
    Follower(account_id="U25", channel="shared-model", **BUYS_A),
    Follower(account_id="DU25ELSEWHERE", in_world=False, **BUYS_A),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(open_system: Callable[..., AbstractAsyncContextManager[System]]) -> AsyncGenerator[System]:
    """One system for all cases."""
    async with open_system(FOLLOWERS, WORLD, settings={"ORDERS_FILL_TIMEOUT_SECONDS": "3"}) as running:
        yield running


def rests(system: System, account_id: str, client_id: int, quantity: int = 3) -> None:
    """Leave a limit order in the market that never fills."""
    system.world.place_foreign_order(
        client_id,
        account=account_id,
        symbol="B",
        side="BUY",
        quantity=Decimal(quantity),
        limit_price=Decimal(1),
        tif="GTC",
    )


async def test_case_16_an_unfilled_rest_is_cancelled_before_buying(system: System) -> None:
    """200 of 406 shares fill by the deadline: the rest is cancelled, and the buys take the cash that is there."""
    system.world.add_fault({"kind": "partial_fill", "account": "DU16", "symbol": "AAA", "quantity": 200})

    run = await system.rebalance("DU16")

    assert run.orders == [*SELLS_OF_FIVE, ("BUY", 234, "CCC")]
    assert run.cancels == 1
    assert system.held("DU16") == {"AAA": 800, "BBB": 1485, "CCC": 234}
    assert run.result["status"] == "partial"
    kinds = [entry.kind for entry in run.journal if entry.symbol in ("AAA", "CCC")]
    assert kinds.index("order_cancelled") < len(kinds) - 1 - kinds[::-1].index("place_order")


async def test_case_16_what_others_buy_between_sells_and_buys_is_seen(system: System) -> None:
    """While the sells are under way 16 of the 316 shares are bought by somebody else: the buys are the other 300."""
    system.world.add_fault({"kind": "slow_fill", "account": "DU16OTHERS", "symbol": "AAA", "after_ms": 1500})
    since = system.now_seq

    event_id = await system.signal("DU16OTHERS")
    for symbol in ("AAA", "BBB"):
        await system.happened("order_accepted", "DU16OTHERS", since=since, symbol=symbol)
    system.world.place_foreign_order(77, account="DU16OTHERS", symbol="CCC", side="BUY", quantity=Decimal(16))
    run = await system.finished(event_id, "DU16OTHERS", since=since)

    assert run.orders == [*SELLS_OF_FIVE, ("BUY", 16, "CCC"), ("BUY", 300, "CCC")]
    assert system.held("DU16OTHERS") == HELD_AFTER_FIVE
    assert run.result["status"] == "success"


async def test_case_17_a_rejected_sell_stops_the_buys(system: System) -> None:
    """The event fails with the broker's words, which the history keeps, and waits for minutes."""
    words = "Order rejected - reason:shares are on loan"
    system.world.add_fault({"kind": "reject", "account": "DU17", "symbol": "AAA", "text": words})

    run = await system.refused("DU17")

    assert run.orders == SELLS_OF_FIVE
    assert words in run.event["error_message"]
    results = [entry["details"] for entry in run.event["history"] if entry["kind"] == "order_result"]
    assert [details["status"] for details in results if words in (details["message"] or "")] == ["REJECTED"]
    pause = datetime.fromisoformat(run.event["due_at"]) - system.world.parts.now()
    assert pause > timedelta(minutes=5)


async def test_case_19_a_warning_on_a_live_order_is_no_end(system: System) -> None:
    """Error 10349 arrives and every execution comes twice: each order is sent once and each share counted once."""
    system.world.add_fault({"kind": "order_message", "account": "DU19", "code": 10349})
    system.world.add_fault({"kind": "duplicate_execution", "account": "DU19"})

    run = await system.rebalance("DU19")

    assert run.orders == ORDERS_OF_FIVE
    assert system.held("DU19") == HELD_AFTER_FIVE
    assert [order["filled_quantity"] for order in run.result["orders"]] == [406, 15, 316]
    assert run.result["status"] == "success"
    fills = [entry for entry in run.event["history"] if entry["kind"] == "fill"]
    assert len({entry["details"]["exec_id"] for entry in fills}) == 3


async def test_case_20_own_leftovers_are_cancelled_first(system: System) -> None:
    """Two good-till-cancelled orders of a crashed run go before anything is placed; another account's stays."""
    rests(system, "DU20", 17)
    rests(system, "DU20", 17)
    rests(system, "DU20OTHER", 17)

    run = await system.rebalance("DU20")

    assert run.orders == [("BUY", 100, "A")]
    assert run.cancels == 2
    ends = [entry.kind for entry in run.journal if entry.kind in ("order_cancelled", "place_order")]
    assert ends == ["order_cancelled", "order_cancelled", "place_order"]
    assert len(system.account("DU20OTHER").open_orders) == 1


async def test_case_20_an_order_of_another_client_is_cancelled_through_it(system: System) -> None:
    """Both the order of client 77 and our own beside it are gone before the first new one is placed."""
    rests(system, "DU20FOREIGN", 77, quantity=7)
    rests(system, "DU20FOREIGN", 17)

    run = await system.rebalance("DU20FOREIGN")

    assert run.result["status"] == "success"
    assert run.cancels == 2
    assert system.account("DU20FOREIGN").open_orders == ()
    kinds = [entry.kind for entry in run.journal if entry.kind in ("order_cancelled", "place_order")]
    assert kinds[:2] == ["order_cancelled", "order_cancelled"]


async def test_case_21_a_closed_market_delays_the_event(system: System) -> None:
    """Until the next session of every symbol, with payload and count as they were and nothing touched."""
    tomorrow = (system.world.parts.now().astimezone(NEW_YORK) + timedelta(days=1)).date()
    session = f"{tomorrow:%Y%m%d}:0930-{tomorrow:%Y%m%d}:1600"
    system.world.set_hours({"kind": "literal", "trading_hours": session, "liquid_hours": session}, "SHUT")
    rests(system, "DU21", 17)
    since = system.now_seq
    payload = {"exec": "rebalance", "note": "carried along"}

    event_id = await system.signal("DU21", payload)
    await system.processor.log.until("event_delayed", event_id=event_id)
    event = await system.api.event_once(event_id, lambda event: event["status"] == "delayed")

    assert (event["times_queued"], event["data"]) == (1, payload)
    assert datetime.fromisoformat(event["due_at"]) == datetime.combine(tomorrow, time(9, 30), NEW_YORK)
    assert system.journal("DU21", since) == []
    assert (await system.api.delete(event_id)).status_code == 200


async def test_case_22_a_fill_during_an_outage_is_found_afterwards(system: System) -> None:
    """The link to the brokerage is lost and both sells fill meanwhile: none is sent again, the buy follows."""
    system.world.add_fault({"kind": "slow_fill", "account": "DU22", "side": "SELL", "after_ms": 300})
    since = system.now_seq

    event_id = await system.signal("DU22")
    await asyncio.gather(
        *(system.happened("order_accepted", "DU22", since=since, symbol=leg) for leg in ("AAA", "BBB"))
    )
    system.sandbox.gateway.broadcast(1100)
    await asyncio.gather(*(system.happened("fill", "DU22", since=since, symbol=leg) for leg in ("AAA", "BBB")))
    system.sandbox.gateway.broadcast(1102)
    run = await system.finished(event_id, "DU22", since=since)

    assert run.orders == ORDERS_OF_FIVE
    assert system.held("DU22") == HELD_AFTER_FIVE
    assert run.event["times_queued"] == 1


@pytest.mark.parametrize("payload", [{}, {"exec": "Rebalance"}, "junk", ["rebalance"], {"exec": "print-rebalance"}])
async def test_case_24_whatever_is_not_exactly_rebalance_only_shows(system: System, payload: Any) -> None:
    """The preview lists what a live run would do; nothing is placed, and the open order stays."""
    if not system.account("DU24").open_orders:
        rests(system, "DU24", 17)

    run = await system.rebalance("DU24", payload)

    assert (run.orders, run.cancels) == ([], 0)
    assert [(order["action"], order["quantity"], order["symbol"]) for order in run.result["orders"]] == ORDERS_OF_FIVE
    assert run.result["execution_mode"] == "dry_run"
    assert len(system.account("DU24").open_orders) == 1


async def test_case_24_the_live_run_does_what_the_preview_showed(system: System) -> None:
    """The same orders, in the same words, from the same account."""
    preview = await system.posted("DU24", "print-rebalance")

    live = await system.posted("DU24", "rebalance")

    shown = [(order["action"], order["quantity"], order["symbol"]) for order in preview.result["orders"]]
    assert live.orders == shown == ORDERS_OF_FIVE
    assert [order["reason"] for order in live.result["orders"]] == [
        order["reason"] for order in preview.result["orders"]
    ]


async def test_case_25_a_live_account_is_refused_in_paper_mode(system: System) -> None:
    """Over HTTP and from Ably alike: a signal for its channel reaches only the paper account beside it."""
    refused = [await system.api.post("U25", command) for command in ("rebalance", "print-rebalance")]
    run = await system.rebalance("DU25")

    assert [response.status_code for response in refused] == [422, 422]
    assert all("U25" in response.json()["detail"] for response in refused)
    assert run.orders == [("BUY", 100, "A")]
    assert system.journal("U25") == []
    assert system.broker.log.of("event_queued", account_id="U25") == []


async def test_case_25_an_account_of_another_login_is_refused(system: System) -> None:
    """The event fails and names the account; the gateway is not asked about it."""
    run = await system.refused("DU25ELSEWHERE")

    assert run.journal == []
    assert "DU25ELSEWHERE is not managed" in run.event["error_message"]
