"""Accounts, orders and the journal over HTTP."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from sandbox.world import JournalEntry


async def test_list_of_accounts(rig: Any) -> None:
    """Every account with its cash and worth, decimals as exact text."""
    answer = await rig.http.get("/control/accounts")

    assert answer.json()["accounts"] == [
        {"account_id": "DU1", "cash": "10000", "net_liquidation": "15000"},
        {"account_id": "DU2", "cash": "500.25", "net_liquidation": "500.25"},
    ]


async def test_one_account(rig: Any) -> None:
    """The whole truth about one account: positions, orders and fills too."""
    account = (await rig.http.get("/control/accounts/DU1")).json()

    assert (account["cash"], Decimal(account["net_liquidation"])) == ("10000", Decimal(15000))
    assert [(held["symbol"], held["quantity"]) for held in account["positions"]] == [("SPY", "10")]
    assert (account["open_orders"], account["fills"]) == ([], [])


async def test_unknown_account(rig: Any) -> None:
    """An account that does not exist is 404, and the field is named."""
    answer = await rig.http.get("/control/accounts/DU9")

    assert answer.status_code == 404
    assert answer.json()["fields"][0]["field"] == "account"


async def test_deposit(rig: Any) -> None:
    """Money paid in counts at once."""
    answer = await rig.http.post("/control/accounts/DU2/deposit", json={"amount": "99.75"})

    assert answer.json()["cash"] == "600.00"
    assert (await rig.http.post("/control/accounts/DU9/deposit", json={"amount": 1})).status_code == 404


@pytest.mark.parametrize(("body", "field"), [({}, "amount"), ({"amount": 5, "currency": "ZZZ"}, "currency")])
async def test_bad_deposit(rig: Any, body: dict[str, Any], field: str) -> None:
    """A deposit without an amount, or of a currency that the world cannot convert, changes nothing."""
    answer = await rig.http.post("/control/accounts/DU2/deposit", json=body)

    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field)
    assert str(rig.world.account_state("DU2").cash) == "500.25"


def is_fill(entry: JournalEntry) -> bool:
    """Whether the entry tells of a fill."""
    return entry.kind == "fill"


async def test_manual_order_fills(rig: Any) -> None:
    """An order placed by hand is executed and appears among the fills."""
    order = {"account": "DU1", "symbol": "QQQ", "side": "BUY", "quantity": 2}

    answer = await rig.http.post("/control/orders", json=order)
    async with asyncio.timeout(5):
        await rig.world.journal.until(is_fill)

    assert answer.status_code == 201
    assert answer.json()["client_id"] != 77
    fills = (await rig.http.get("/control/accounts/DU1")).json()["fills"]
    assert [(fill["symbol"], fill["quantity"]) for fill in fills] == [("QQQ", "2")]


async def test_foreign_order_rests(rig: Any) -> None:
    """Another client's limit order stays open where everybody can see it."""
    order = {
        "account": "DU1",
        "symbol": "QQQ",
        "side": "BUY",
        "quantity": 2,
        "client_id": 77,
        "limit_price": "100",
        "order_ref": "somebody else",
    }

    await rig.http.post("/control/orders", json=order)

    (resting,) = (await rig.http.get("/control/orders")).json()["orders"]
    assert (resting["client_id"], resting["limit_price"], resting["order_ref"]) == (77, "100", "somebody else")


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        pytest.param({"side": "HOLD"}, 422, "side", id="side"),
        pytest.param({"quantity": 0}, 422, "quantity", id="quantity"),
        pytest.param({"symbol": "NOPE"}, 422, "symbol", id="symbol"),
        pytest.param({"colour": "red"}, 422, "colour", id="unknown-key"),
    ],
)
async def test_bad_order_names_its_field(rig: Any, change: dict[str, Any], status: int, field: str) -> None:
    """A mistake in an order is answered with the field to blame, and nothing is placed."""
    order = {"account": "DU1", "symbol": "QQQ", "side": "BUY", "quantity": 2} | change

    answer = await rig.http.post("/control/orders", json=order)

    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (status, field)
    assert rig.world.journal.of("place_order") == []


async def test_journal(rig: Any) -> None:
    """The journal can be read from a number on, and by kind."""
    await rig.http.post("/control/prices", json={"SPY": 501})
    await rig.http.post("/control/prices", json={"QQQ": 401})

    everything = (await rig.http.get("/control/journal")).json()
    later = (await rig.http.get("/control/journal", params={"since": 1, "kind": "control"})).json()
    fills = (await rig.http.get("/control/journal?kind=fill")).json()

    assert [entry["symbol"] for entry in everything["entries"]] == ["SPY", "QQQ"]
    assert [entry["symbol"] for entry in later["entries"]] == ["QQQ"]
    assert (fills["entries"], fills["last_seq"]) == ([], 2)


@pytest.mark.parametrize(("query", "field"), [("kind=gossip", "kind"), ("since=x", "since"), ("limit=0", "limit")])
async def test_bad_journal_query(rig: Any, query: str, field: str) -> None:
    """A query that makes no sense names its field."""
    answer = await rig.http.get(f"/control/journal?{query}")

    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field)
