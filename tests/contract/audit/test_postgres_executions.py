"""Rows of executions and of orders agree with what was told last, in whatever order and however often it was told."""

from collections.abc import AsyncGenerator, Sequence
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from event_queue.audit import AuditKind, AuditRecord
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.testing.events import make_event
from event_queue.testing.records import START, RecordMaker

pytestmark = pytest.mark.integration

ORDER = {
    "order_ref": "e:1:1",
    "symbol": "SPY",
    "side": "BUY",
    "quantity": "10",
    "order_type": "MKT",
    "limit_price": None,
    "time_in_force": "DAY",
    "reason": None,
}
RESULT = {
    **ORDER,
    "status": "FILLED",
    "filled_quantity": "10",
    "average_price": "500",
    "commission": "1",
    "message": None,
}
FIRST = {
    "exec_id": "e.1.01",
    "order_ref": "e:1:1",
    "symbol": "SPY",
    "side": "BUY",
    "quantity": "10",
    "price": "500",
    "commission": "1",
    "commission_currency": "USD",
    "executed_at": START.isoformat(),
}
UNPAID = {**FIRST, "commission": None}
FEWER = {**FIRST, "exec_id": "e.1.02", "quantity": "4", "price": "499", "replaces": ["e.1.01"]}
BUST = {**FIRST, "exec_id": "e.1.02", "quantity": "0", "commission": None, "replaces": ["e.1.01"]}
EVENT = make_event()


@pytest.fixture
async def audit(postgres_address: PostgresAddress) -> AsyncGenerator[PostgresAudit]:
    """The audit on PostgreSQL."""
    async with open_postgres(postgres_address) as audit:
        yield audit


async def fills(database: Any) -> list[tuple[str, Decimal, Decimal | None]]:
    """Id, shares and commission of each execution that stands."""
    rows = await database.fetch("SELECT exec_id, quantity, commission FROM rebalance_fills ORDER BY exec_id")
    return [tuple(row) for row in rows]


async def order(database: Any) -> tuple[str, Decimal, Decimal | None, Decimal | None]:
    """Status, shares, average price and commission of the one order."""
    row = await database.fetchrow(
        "SELECT status, filled_quantity, average_price, commission FROM rebalance_orders WHERE order_ref = 'e:1:1'"
    )
    return tuple(row)


def told(maker: RecordMaker, *fills: dict[str, Any]) -> list[AuditRecord]:
    """Records of executions."""
    return [maker.record(AuditKind.FILL, EVENT, fill) for fill in fills]


async def test_a_busted_execution_counts_no_more(audit: PostgresAudit, database: Any, maker: RecordMaker) -> None:
    """Its row goes; its order, which was filled, has ended without shares, and cost nothing."""
    await audit.append([*told(maker, FIRST), maker.record(AuditKind.ORDER_RESULT, EVENT, RESULT)])
    before = await fills(database), await order(database)
    await audit.append(told(maker, BUST))

    assert before == ([("e.1.01", 10, 1)], ("FILLED", 10, 500, 1))
    assert await fills(database) == []
    assert await order(database) == ("ENDED", 0, None, 0)


async def test_a_correction_to_fewer_shares_leaves_no_order_filled(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """One back to all of them fills it again."""
    await audit.append([*told(maker, FIRST), maker.record(AuditKind.ORDER_RESULT, EVENT, RESULT)])
    await audit.append(told(maker, FEWER))
    fewer = await order(database)
    await audit.append(told(maker, {**FIRST, "exec_id": "e.1.03", "replaces": ["e.1.01", "e.1.02"]}))

    assert fewer == ("ENDED", 4, 499, 1)
    assert await fills(database) == [("e.1.03", 10, 1)]
    assert await order(database) == ("FILLED", 10, 500, 1)


async def test_a_result_that_had_not_heard_of_a_bust_does_not_bring_its_shares_back(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """Who writes results and who hears of executions write side by side."""
    await audit.append(told(maker, FIRST, BUST))
    await audit.append([maker.record(AuditKind.ORDER_RESULT, EVENT, RESULT)])

    assert await fills(database) == []
    assert await order(database) == ("ENDED", 0, None, 0)


@pytest.mark.parametrize("corrected", [FEWER, BUST], ids=["corrected", "busted"])
@pytest.mark.parametrize("batch", [1, 9], ids=["one by one", "at once"])
@pytest.mark.parametrize("turns", list(permutations(range(3))))
async def test_the_order_in_which_executions_are_told_makes_no_difference(
    audit: PostgresAudit,
    database: Any,
    maker: RecordMaker,
    *,
    corrected: dict[str, Any],
    batch: int,
    turns: Sequence[int],
) -> None:
    """What was replaced stays away, also when a later session tells it again, without its commission or with it."""
    words = (FIRST, corrected, UNPAID)
    records = [
        maker.record(AuditKind.ORDER_RESULT, EVENT, RESULT),
        *told(maker, *(words[turn] for turn in turns), UNPAID),
    ]

    for start in range(0, len(records), batch):
        await audit.append(records[start : start + batch])

    shares = Decimal(corrected["quantity"])
    assert await fills(database) == ([("e.1.02", 4, 1)] if shares else [])
    assert await order(database) == ("ENDED", shares, 499 if shares else None, 1 if shares else 0)


async def test_parts_that_passed_for_a_correction_both_stand(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """The second is told again, as one that takes nobody's place; the first need not be."""
    second = {**FIRST, "exec_id": "e.1.02", "quantity": "6"}

    await audit.append(told(maker, {**FIRST, "quantity": "4"}, {**second, "replaces": ["e.1.01"]}))
    as_correction = await fills(database)
    await audit.append(told(maker, second))

    assert as_correction == [("e.1.02", 6, 1)]
    assert await fills(database) == [("e.1.01", 4, 1), ("e.1.02", 6, 1)]


@pytest.mark.parametrize("batch", [1, 9], ids=["one by one", "at once"])
async def test_a_commission_that_was_reported_stays(
    audit: PostgresAudit, database: Any, maker: RecordMaker, batch: int
) -> None:
    """A later session tells the execution before the report comes; a correction keeps it until it has its own."""
    records = [
        maker.record(AuditKind.ORDER_RESULT, EVENT, {**RESULT, "commission": None}),
        *told(maker, UNPAID, FIRST, UNPAID, {**FEWER, "commission": None}),
    ]

    for start in range(0, len(records), batch):
        await audit.append(records[start : start + batch])
    kept = await fills(database), (await order(database))[3]
    await audit.append(told(maker, {**FEWER, "commission": "0.40"}))

    assert kept == ([("e.1.02", 4, 1)], 1)
    assert await fills(database) == [("e.1.02", 4, Decimal("0.40"))]


async def test_a_commission_keeps_its_currency(audit: PostgresAudit, database: Any, maker: RecordMaker) -> None:
    """An order's sum is in dollars; records of before currencies were told are too."""
    francs = {**FIRST, "quantity": "6", "commission": "7", "commission_currency": "CHF"}
    dollars = {key: word for key, word in FIRST.items() if key != "commission_currency"}

    await audit.append(told(maker, francs, {**dollars, "exec_id": "e.2.01", "quantity": "4"}))
    await audit.append([maker.record(AuditKind.ORDER_RESULT, EVENT, {**RESULT, "commission": None})])

    rows = await database.fetch("SELECT commission, commission_currency FROM rebalance_fills ORDER BY exec_id")
    assert [tuple(row) for row in rows] == [(7, "CHF"), (1, "USD")]
    assert (await order(database))[3] == 1


async def test_shares_that_history_was_not_told_of_are_not_taken_back(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """Redis may lose an execution and not the result; only a correction takes shares away."""
    await audit.append([*told(maker, {**FIRST, "quantity": "4"}), maker.record(AuditKind.ORDER_RESULT, EVENT, RESULT)])

    assert await order(database) == ("FILLED", 10, 500, 1)


async def test_an_unknown_commission_is_not_made_known_by_the_end_of_its_order(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """An order that was left behind filled, and nobody has heard what it cost."""
    live = {"result": {"execution_mode": "live"}}
    await audit.append(
        [
            maker.record(AuditKind.CLAIMED, EVENT),
            maker.record(AuditKind.ORDER_INTENT, EVENT, ORDER),
            *told(maker, {**UNPAID, "quantity": "4"}),
            maker.record(AuditKind.REQUEUED, EVENT, {"error": "no gateway", "result": {}}),
            maker.record(AuditKind.CLAIMED, EVENT.requeued()),
            maker.record(AuditKind.COMPLETED, EVENT.requeued(), live),
        ]
    )

    assert await order(database) == ("ENDED", 4, 500, None)


async def test_an_execution_that_makes_no_sense_is_set_apart(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """And stops no other of its event."""
    bad = [{**FIRST, "exec_id": f"bad.{name}", name: None} for name in ("quantity", "price", "executed_at", "side")]

    apart = [(await audit.append(told(maker, fill)))[0].counter for fill in bad]
    await audit.append(told(maker, FIRST))

    assert len(apart) == len(bad)
    assert await fills(database) == [("e.1.01", 10, 1)]
