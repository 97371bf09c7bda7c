"""Evidence of runs that never took place: one that arrived, and whatever differs from it."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from rebalancer_cli.demo.story import LIVE_CHANNEL, DemoAccount
from rebalancer_cli.demo.world_view import AccountView
from rebalancer_cli.scenarios.evidence import Entry, Evidence, Sighting
from rebalancer_cli.scenarios.stage import REBALANCE

EvidenceMaker = Callable[..., Evidence]

ARRIVED = """
17 place_order SELL 31 SPY a
17 fill SELL 31 SPY a
17 place_order BUY 193 QQQ b
17 fill BUY 193 QQQ b
"""
BEFORE = AccountView("DU1", Decimal(1000), Decimal(10_000), {"SPY": Decimal(90)})
HISTORY: Sequence[Mapping[str, Any]] = (
    {"kind": "queued", "recorded_at": "2025-06-24T14:30:00Z", "details": {}},
    {"kind": "fill", "recorded_at": "2025-06-24T14:30:01Z", "details": {"exec_id": "1"}},
    {"kind": "fill", "recorded_at": "2025-06-24T14:30:02Z", "details": {"exec_id": "2"}},
    {"kind": "completed", "recorded_at": "2025-06-24T14:30:03Z", "details": {}},
)
EVENT: Mapping[str, Any] = {
    "event_id": "e-1",
    "status": "completed",
    "times_queued": 1,
    "data": dict(REBALANCE),
    "created_at": "2025-06-24T14:30:00Z",
    "result": {
        "status": "success",
        "message": "done",
        "orders": [{"filled_quantity": 31.0}, {"filled_quantity": 193.0}],
    },
    "history": list(HISTORY),
}


def entry(seq: int, line: str) -> Entry:
    client, kind, side, quantity, symbol, reference = line.split()
    details = {"fault": side} if kind == "fault_applied" else {"side": side, "quantity": quantity}
    return Entry(seq, kind, int(client), symbol, "" if reference == "-" else reference, details)


@pytest.fixture
def make_evidence() -> EvidenceMaker:
    """An account of 10,000 USD that went from SPY to 60 % SPY and 39 % QQQ; keywords change what was seen.

    `journal` has a line for each thing: client, kind, side (or fault), shares, symbol, orderRef (or -).
    """

    def make(
        *,
        journal: str = ARRIVED,
        cash: str = "240",
        held: Mapping[str, int] | None = None,
        open_orders: int = 0,
        event: Mapping[str, Any] | None = None,
        code: int = 200,
        health: Mapping[str, Any] | None = None,
        meanwhile: Sequence[Evidence] = (),
    ) -> Evidence:
        positions = {"SPY": 59, "QQQ": 193} if held is None else held
        shares = {symbol: Decimal(count) for symbol, count in positions.items()}
        end = Sighting(
            account=AccountView("DU1", Decimal(cash), Decimal(10_000), shares),
            open_orders=open_orders,
            journal=[entry(seq, line) for seq, line in enumerate(journal.strip().splitlines(), 1)],
            event={**EVENT, **(event or {})},
            health_code=code,
            health=health or {"message": "fine", "components": {"trading": {"status": "ok", "detail": "not paused"}}},
            prices={"SPY": Decimal(100), "QQQ": Decimal(20)},
            weights={"SPY": Decimal("0.6"), "QQQ": Decimal("0.39")},
        )
        account = DemoAccount("DU1", LIVE_CHANNEL, Decimal(1))
        return Evidence(account, BEFORE, [earlier.end for earlier in meanwhile], end)

    return make


@pytest.fixture
def untouched(make_evidence: EvidenceMaker) -> EvidenceMaker:
    """The same account when nothing has reached the brokerage; keywords change that."""

    def make(**changes: Any) -> Evidence:
        return make_evidence(**{"journal": "", "cash": "1000", "held": {"SPY": 90}, **changes})

    return make
