"""Prices, hours, latencies and faults over HTTP."""

from decimal import Decimal
from typing import Any

import pytest


async def test_prices(rig: Any) -> None:
    """Prices can be read and moved."""
    await rig.http.post("/control/prices", json={"SPY": "501.5", "QQQ": 399})

    assert (await rig.http.get("/control/prices")).json() == {"SPY": "501.5", "QQQ": "399"}
    assert rig.world.price_of("SPY") == Decimal("501.5")


@pytest.mark.parametrize("prices", [{"SPY": 501, "NOPE": 1}, {"SPY": 501, "NOPE": -1}, {"SPY": 501, "NOPE": "x"}])
async def test_bad_prices_change_nothing(rig: Any, prices: dict[str, Any]) -> None:
    """An unknown symbol or an impossible price is named, and the good ones beside it stay as they were."""
    answer = await rig.http.post("/control/prices", json=prices)

    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "NOPE")
    assert rig.world.price_of("SPY") == 500


async def test_market_flags(rig: Any) -> None:
    """A market can be halted; what is not named stays."""
    answer = await rig.http.post("/control/market", json={"symbol": "SPY", "halted": True})

    assert answer.status_code == 200
    (entry,) = rig.world.journal.of("control")
    assert entry.details["market"]["halted"] is True
    assert rig.world.price_of("SPY") == 500


async def test_hours_latency_and_read_only(rig: Any) -> None:
    """Hours, latency and the read-only switch reach the world."""
    hours = await rig.http.put("/control/hours", json={"hours": "closed", "symbol": "SPY"})
    latency = await rig.http.put("/control/latency", json={"reply_ms": 5})
    read_only = await rig.http.put("/control/read-only", json={"read_only": True})

    assert [answer.status_code for answer in (hours, latency, read_only)] == [200, 200, 200]
    assert [list(entry.details) for entry in rig.world.journal.of("control")] == [["hours"], ["latency"], ["read_only"]]
    assert rig.world.read_only


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"hours": "sometimes"}, "hours.kind", id="kind"),
        pytest.param({}, "hours", id="missing"),
        pytest.param({"hours": {"kind": "nyse", "time_zone": "Mars"}}, "hours", id="zone"),
        pytest.param({"hours": "closed", "symbol": "NOPE"}, "symbol", id="symbol"),
    ],
)
async def test_bad_hours(rig: Any, body: dict[str, Any], field: str) -> None:
    """Hours that make no sense name their field."""
    answer = await rig.http.put("/control/hours", json=body)

    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field)


async def test_faults(rig: Any) -> None:
    """Faults are added, listed, and lifted one by one or together."""
    first = (await rig.http.post("/control/faults", json={"kind": "reject", "symbol": "SPY"})).json()["number"]
    second = (await rig.http.post("/control/faults", json={"kind": "skip_status"})).json()["number"]

    listed = (await rig.http.get("/control/faults")).json()["faults"]
    assert {number: fault["kind"] for number, fault in listed.items()} == {
        str(first): "reject",
        str(second): "skip_status",
    }

    await rig.http.delete(f"/control/faults/{first}")
    assert list(rig.world.faults) == [second]
    assert (await rig.http.delete(f"/control/faults/{first}")).status_code == 404
    assert (await rig.http.delete("/control/faults")).json() == {"cleared": [second]}
    assert rig.world.faults == {}


async def test_bad_fault(rig: Any) -> None:
    """A fault of no known kind is refused with a reason."""
    answer = await rig.http.post("/control/faults", json={"kind": "explode"})

    assert answer.status_code == 422
    assert "explode" in answer.json()["error"]
