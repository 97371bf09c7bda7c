"""Cases 1 to 15 and 18 of the rebalancing rules: from the signal on Ably to the shares at the gateway.

All share one system, in which every case has an account and a model of its own.
"""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from running_system import Follower, Leg, Run, System

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

PRICES = {
    "SPY": 500,
    "TLT": 90,
    "GLD": 240,
    "AAA": 50,
    "BBB": 20,
    "CCC": 125,
    "A": 100,
    "B": 50,
    "OLD": 100,
    "X1": 130,
    "X2": 130,
    "X3": 130,
    "DEAR": 500_000,
    "VXX": 50,
    "UVXY": 25,
    "VIXY": 40,
}
AAPL: Mapping[str, Any] = {"symbol": "AAPL", "price": 200}
CALL: Mapping[str, Any] = {
    "symbol": "AAPL",
    "sec_type": "OPT",
    "price": 5,
    "multiplier": 100,
    "expiry": "20290119",
    "strike": 300,
    "right": "C",
    "local_symbol": "AAPL  290119C00300000",
}
SAP: Mapping[str, Any] = {"symbol": "SAP", "currency": "EUR", "primary_exchange": "IBIS", "price": 100}
UNQUOTED: Mapping[str, Any] = {"symbol": "UNQUOTED", "price": 10, "no_quote": True}
WORLD: Mapping[str, Any] = {
    "fx": {"EUR": 1.1},
    "instruments": [
        *({"symbol": symbol, "price": price} for symbol, price in PRICES.items()),
        *(AAPL, CALL, SAP, UNQUOTED),
    ],
}
IRA = [{"source": "UVXY", "target": "VXX", "scale": 1.5}, {"source": "VIXY", "target": "VXX"}]
REPLACED: Mapping[str, Any] = {"replacement_set": "ira"}
CLASSIC = {"SPY": 0.6, "TLT": 0.3, "GLD": 0.1}
THREE_WAYS = {"AAA": 0.3, "BBB": 0.3, "CCC": 0.4}


def follower(account_id: str, answer: Mapping[str, Any], **more: Any) -> Follower:
    return Follower(account_id=account_id, answer=answer, **more)


FOLLOWERS = [
    follower("DU01", CLASSIC, cash=100_000, reserve=2),
    follower("DU02", CLASSIC, cash=100_000, reserve=2),
    follower("DU03", {"A": 0.6, "B": 0.4}, positions={"A": 60, "B": 80}, cost=66.67),
    follower("DU04LOSS", {"A": 1}, positions={"OLD": 100}, cost=150),
    follower("DU04GAIN", {"A": 1}, positions={"OLD": 100}, cost=50),
    follower("DU05", THREE_WAYS, positions={"AAA": 1000, "BBB": 1500}, cash=20_000, reserve=1),
    follower("DU06HALF", {"A": 0.105, "DEAR": 0.895}, positions={"A": 10}, cash=9_000),
    follower("DU06MORE", {"A": 0.1051, "DEAR": 0.8949}, positions={"A": 10}, cash=9_000),
    follower("DU06LESS", {"A": 0.0949, "DEAR": 0.9051}, positions={"A": 10}, cash=9_000),
    follower("DU07", {"X1": 0.3333, "X2": 0.3333, "X3": 0.3333}, cash=1_000),
    follower("DU08", {"DEAR": 1}, cash=300),
    follower("DU09", {"AAA": 1}, positions={"AAA": 1000}, cash=-5_000, reserve=1),
    follower("DU10", {"A": 1}, cash=10_000),
    follower("DU10GOOD", {"A": 1}, cash=10_000),
    follower(
        "DU11",
        {"AAPL": 1},
        cash=20_000,
        booked={
            "positions": [
                {"symbol": "AAPL", "sec_type": "STK", "quantity": 100},
                {"symbol": "AAPL", "sec_type": "OPT", "quantity": -1},
                {"symbol": "SAP", "quantity": 50},
            ]
        },
    ),
    follower("DU12", {"DEAR": 1}, positions={"OLD": 10.6}),
    follower("DU13", {"UVXY": 0.1, "SPY": 0.6, "TLT": 0.3}, cash=100_000, reserve=1, configured=REPLACED),
    follower("DU14", {"VIXY": 0.05, "UVXY": 0.05, "SPY": 0.9}, cash=100_000, configured=REPLACED),
    follower("DU15", {"A": 0.5, "UNQUOTED": 0.5}, cash=10_000),
    follower("DU18", {"A": 0.5, "B": 0.5}, cash=40_000, booked={"kind": "cash", "settled_cash": 20_000}),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(open_system: Callable[..., AbstractAsyncContextManager[System]]) -> AsyncGenerator[System]:
    """One system for all cases."""
    async with open_system(FOLLOWERS, WORLD, replacement_sets={"ira": IRA}) as running:
        yield running


def own_order_rests(system: System, account_id: str) -> None:
    """Leave a limit order of the rebalancer's own in the market, as a crashed run would."""
    system.world.place_foreign_order(
        17, account=account_id, symbol="GLD", side="BUY", quantity=Decimal(1), limit_price=Decimal(1)
    )


def planned(run: Run) -> list[Leg]:
    """The orders that a result lists."""
    return [(order["action"], order["quantity"], order["symbol"]) for order in run.result["orders"]]


async def test_case_01_takes_shares_back_until_the_buys_fit(system: System) -> None:
    """The nearest whole shares would cost 98 270 of 98 000: the largest overshoot gives way."""
    run = await system.rebalance("DU01")

    assert run.orders == [("BUY", 41, "GLD"), ("BUY", 117, "SPY"), ("BUY", 327, "TLT")]
    assert run.result["status"] == "success"
    assert system.account("DU01").cash == 100_000 - 97_770


async def test_case_02_again_at_once_changes_nothing(system: System) -> None:
    """Once filled, further signals place no order and leave the cash as it is."""
    await system.rebalance("DU02")
    cash = system.account("DU02").cash

    again = [await system.rebalance("DU02") for _ in range(3)]

    assert [run.orders for run in again] == [[], [], []]
    assert [run.result["status"] for run in again] == ["success"] * 3
    assert system.account("DU02").cash == cash


async def test_case_03_a_portfolio_on_target_is_left_alone(system: System) -> None:
    """What the shares once cost plays no part."""
    run = await system.rebalance("DU03")

    assert run.orders == []
    assert system.held("DU03") == {"A": 60, "B": 80}


@pytest.mark.parametrize("account_id", ["DU04LOSS", "DU04GAIN"])
async def test_case_04_sells_what_is_no_longer_wanted(system: System, account_id: str) -> None:
    """A symbol without a target is sold first, at a loss or a gain; its proceeds buy the target."""
    run = await system.rebalance(account_id)

    assert run.orders == [("SELL", 100, "OLD"), ("BUY", 100, "A")]
    assert system.held(account_id) == {"A": 100}


async def test_case_05_sells_before_it_buys_and_keeps_the_reserve(system: System) -> None:
    """Two sells, one buy out of their proceeds, 1 100 in cash."""
    run = await system.rebalance("DU05")

    assert run.orders == [("SELL", 406, "AAA"), ("SELL", 15, "BBB"), ("BUY", 316, "CCC")]
    assert system.held("DU05") == {"AAA": 594, "BBB": 1485, "CCC": 316}
    assert system.account("DU05").cash == 1_100


@pytest.mark.parametrize(
    ("account_id", "orders"), [("DU06HALF", []), ("DU06MORE", [("BUY", 1, "A")]), ("DU06LESS", [("SELL", 1, "A")])]
)
async def test_case_06_half_a_share_is_no_reason_to_trade(system: System, account_id: str, orders: list[Leg]) -> None:
    """Targets of 10.5, 10.51 and 9.49 shares against 10 held."""
    run = await system.rebalance(account_id)

    assert run.orders == orders


async def test_case_07_ties_go_by_symbol(system: System) -> None:
    """1 000 buys seven shares at 130 for three equal targets."""
    run = await system.rebalance("DU07")

    assert run.orders == [("BUY", 3, "X1"), ("BUY", 2, "X2"), ("BUY", 2, "X3")]


async def test_case_08_a_share_that_is_too_dear_is_a_warning(system: System) -> None:
    """300 in cash buys nothing at 500 000, and that is no failure."""
    run = await system.rebalance("DU08")

    assert run.orders == []
    assert run.result["status"] == "success"
    assert run.result["warnings"]


async def test_case_09_debt_and_reserve_are_paid_by_selling(system: System) -> None:
    """5 000 owed and a reserve of 1 % are raised by selling 109 shares; nothing is bought."""
    run = await system.rebalance("DU09")

    assert run.orders == [("SELL", 109, "AAA")]
    assert system.account("DU09").cash == 450


def published(*weights: tuple[str, str]) -> dict[str, Any]:
    """An answer of the documented format whose numbers are written as they stand."""
    rows = ", ".join(f'{{"symbol": {json.dumps(symbol)}, "allocation": {weight}}}' for symbol, weight in weights)
    return {"kind": "raw", "raw": f'{{"status": "success", "data": {{"allocations": [{rows}], "name": "model"}}}}'}


REFUSED: Mapping[str, dict[str, Any]] = {
    "sum of 0.5": {"A": 0.5},
    "sum of 1.8": {"A": 0.9, "B": 0.9},
    "negative": published(("A", "-0.1"), ("B", "1.1")),
    "not a number": published(("A", "NaN"), ("B", "1")),
    "infinite": published(("A", "Infinity")),
    "text": published(("A", '"0.3x"'), ("B", "0.7")),
    "above one": published(("A", "1.2")),
    "nothing at all": {"kind": "empty"},
    "not success": {"kind": "wrong_status", "weights": {"A": 1}},
    "not JSON": {"kind": "garbage"},
    "an error": {"weights": {"A": 1}, "status": 500},
}


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED.keys())
async def test_case_10_what_is_no_model_trades_nothing(system: System, answer: dict[str, Any]) -> None:
    """No order and no cancellation, but an event that failed and says why."""
    if not system.account("DU10").open_orders:
        own_order_rests(system, "DU10")
    system.answer("DU10", answer)

    run = await system.refused("DU10")

    assert (run.orders, run.cancels) == ([], 0)
    assert len(system.account("DU10").open_orders) == 1
    assert "Allocations" in run.event["error_message"] or "Weights" in run.event["error_message"]


ACCEPTED: Mapping[str, tuple[dict[str, Any], list[Leg]]] = {
    "sum of 0.995": ({"A": 0.5, "B": 0.495}, [("BUY", 50, "A"), ("BUY", 99, "B")]),
    "sum of 1.004": ({"A": 0.502, "B": 0.502}, [("BUY", 50, "A"), ("BUY", 100, "B")]),
    "repeated": (published(("A", "0.3"), ("A", "0.2"), ("B", "0.5")), [("BUY", 50, "A"), ("BUY", 100, "B")]),
    "untidy": (published(("aapl ", "1.0")), [("BUY", 50, "AAPL")]),
}


@pytest.mark.parametrize(("answer", "orders"), ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_case_10_what_is_nearly_tidy_is_accepted(
    system: System, answer: dict[str, Any], orders: list[Leg]
) -> None:
    """Sums within 0.01 of one, repeated and untidy symbols; shown by a preview."""
    system.answer("DU10GOOD", answer)

    run = await system.rebalance("DU10GOOD", {})

    assert planned(run) == orders
    assert run.orders == []


async def test_case_11_options_and_foreign_shares_are_left_alone(system: System) -> None:
    """The short call and the shares in euros stay, are reported, and their value is not invested."""
    run = await system.rebalance("DU11")

    assert run.orders == [("BUY", 100, "AAPL")]
    assert run.result["equity_info"]["unmanaged_value"] == 5_000
    assert [(item.sec_type, item.quantity) for item in system.account("DU11").positions] == [
        ("STK", 200),
        ("OPT", -1),
        ("STK", 50),
    ]
    assert [word for word in ("AAPL: -1", "SAP: 50") if any(word in text for text in run.result["warnings"])] == [
        "AAPL: -1",
        "SAP: 50",
    ]


async def test_case_12_a_fraction_of_a_share_stays(system: System) -> None:
    """Ten of 10.6 shares are sold; the rest is reported, and no reason to fail or to try again."""
    first = await system.rebalance("DU12")
    second = await system.rebalance("DU12")

    assert (first.orders, second.orders) == ([("SELL", 10, "OLD")], [])
    assert second.result["status"] == "success"
    assert any("OLD" in text for text in second.result["warnings"])


async def test_case_13_replacements_are_scaled_at_the_cost_of_the_others(system: System) -> None:
    """10 % UVXY become 15 % VXX; held already, they are not traded again."""
    first = await system.rebalance("DU13")
    second = await system.rebalance("DU13")

    assert first.orders == [("BUY", 112, "SPY"), ("BUY", 312, "TLT"), ("BUY", 297, "VXX")]
    assert second.orders == []


async def test_case_14_two_sources_of_one_target_are_merged(system: System) -> None:
    """5 % at scale 1 and 5 % at 1.5 are 12.5 % VXX."""
    run = await system.rebalance("DU14")

    assert run.orders == [("BUY", 175, "SPY"), ("BUY", 250, "VXX")]


async def test_case_14_a_scale_that_does_not_fit_is_refused(system: System) -> None:
    """70 % at scale 1.5 is more than the whole."""
    system.answer("DU14", {"UVXY": 0.7, "SPY": 0.3})

    run = await system.refused("DU14")

    assert (run.orders, run.cancels) == ([], 0)
    assert run.result["failure_kind"] == "rejected"


async def test_case_15_a_missing_price_stops_everything(system: System) -> None:
    """Nothing is placed or cancelled; the event is tried again later."""
    own_order_rests(system, "DU15")

    run = await system.refused("DU15")

    assert (run.orders, run.cancels) == ([], 0)
    assert "UNQUOTED" in run.event["error_message"]
    assert run.event["status"] == "delayed"


async def test_case_18_buys_shrink_to_the_settled_cash(system: System) -> None:
    """Buys of 40 000 on 20 000 of settled cash: half of each."""
    run = await system.rebalance("DU18")

    assert run.orders == [("BUY", 100, "A"), ("BUY", 200, "B")]
