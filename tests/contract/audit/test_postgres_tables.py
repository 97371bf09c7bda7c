"""What only PostgreSQL has: orders and fills, quarantine, its own refusals, and being away."""

import json
import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from broker_connector_base import OrderStatus
from event_queue.audit import AuditKind, AuditRecord, EventStatus
from event_queue.errors import AuditUnavailable
from event_queue.events import Command, RebalanceEvent
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.postgres_pool import PostgresAddress, apply_schema, open_pool
from event_queue.sql_files import load_queries
from event_queue.testing.events import make_event
from event_queue.testing.records import START, RecordMaker
from event_queue.testing.server_process import free_port

pytestmark = pytest.mark.integration

ORDER = {
    "order_ref": "e:1:1",
    "symbol": "SPY",
    "side": "BUY",
    "quantity": "10",
    "order_type": "LMT",
    "limit_price": "501.25",
    "time_in_force": "DAY",
    "reason": None,
}
RESULT = {
    **ORDER,
    "status": "FILLED",
    "filled_quantity": "10",
    "average_price": "501.2",
    "commission": "1.05",
    "message": None,
}
FILL = {
    "exec_id": "0000e0d5.1",
    "order_ref": "e:1:1",
    "symbol": "SPY",
    "side": "BUY",
    "quantity": "10",
    "price": "501.2",
    "commission": None,
    "executed_at": START.isoformat(),
}


@pytest.fixture
async def audit(postgres_address: PostgresAddress) -> AsyncGenerator[PostgresAudit]:
    """The audit on PostgreSQL."""
    async with open_postgres(postgres_address) as audit:
        yield audit


async def test_an_order_is_written_before_and_after_it_was_sent(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """The intent makes the row, the result completes it, told twice in one batch the latest word stays."""
    event = make_event()
    partial = {**RESULT, "status": "SUBMITTED", "filled_quantity": "4"}

    await audit.append([maker.record(AuditKind.ORDER_INTENT, event, ORDER)])
    intended = await database.fetchrow("SELECT * FROM rebalance_orders")
    await audit.append(
        [maker.record(AuditKind.ORDER_RESULT, event, partial), maker.record(AuditKind.ORDER_RESULT, event, RESULT)]
    )

    finished = await database.fetchrow("SELECT * FROM rebalance_orders")
    assert (intended["status"], intended["limit_price"]) == ("intended", Decimal("501.25"))
    assert (finished["status"], finished["filled_quantity"]) == ("FILLED", Decimal(10))
    assert finished["intended_at"] == START + timedelta(seconds=1)


async def test_a_result_that_comes_first_is_kept(audit: PostgresAudit, database: Any, maker: RecordMaker) -> None:
    """An intent stored after its result leaves the result alone."""
    event = make_event()
    intent, result = (
        maker.record(AuditKind.ORDER_INTENT, event, ORDER),
        maker.record(AuditKind.ORDER_RESULT, event, RESULT),
    )

    await audit.append([result])
    await audit.append([intent])

    row = await database.fetchrow("SELECT * FROM rebalance_orders")
    assert (row["status"], row["commission"]) == ("FILLED", Decimal("1.05"))


async def test_an_execution_is_stored_once_and_completed(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """The same execution told again with its commission stays one row."""
    event = make_event()

    await audit.append([maker.record(AuditKind.FILL, event, FILL)])
    await audit.append([maker.record(AuditKind.FILL, event, {**FILL, "commission": "1.05"})])

    (row,) = await database.fetch("SELECT * FROM rebalance_fills")
    assert (row["price"], row["commission"]) == (Decimal("501.2"), Decimal("1.05"))


async def test_a_corrected_execution_takes_the_place_of_the_first(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """In one batch or in two, ten shares stay ten; a repetition of the first brings nothing back."""
    event, other = make_event(), {**FILL, "exec_id": "0000e0d5.2.01", "quantity": "3"}
    first = maker.record(AuditKind.FILL, event, {**FILL, "exec_id": "0000e0d5.1.01"})
    second = {**FILL, "exec_id": "0000e0d5.1.02", "price": "501.1", "replaces": ["0000e0d5.1.01"]}
    third = {**FILL, "exec_id": "0000e0d5.1.03", "price": "501", "replaces": ["0000e0d5.1.01", "0000e0d5.1.02"]}

    await audit.append([first, maker.record(AuditKind.FILL, event, other), maker.record(AuditKind.FILL, event, second)])
    await audit.append([maker.record(AuditKind.FILL, event, third)])
    await audit.append([first])

    rows = await database.fetch("SELECT exec_id, price FROM rebalance_fills ORDER BY exec_id")
    assert [(row["exec_id"], row["price"]) for row in rows] == [
        ("0000e0d5.1.03", Decimal(501)),
        ("0000e0d5.2.01", Decimal("501.2")),
    ]


async def test_a_fill_after_the_last_word_on_its_order_settles_it(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """An order that waited for the close when its event ended: first in part, then in full, with its commissions."""
    event = make_event()
    waiting = {**RESULT, "status": "WORKING", "filled_quantity": "0", "average_price": None, "commission": "0"}
    four = {**FILL, "exec_id": "a", "quantity": "4", "price": "500", "commission": "1"}
    six = {**FILL, "exec_id": "b", "quantity": "6", "price": "505", "commission": "1.50"}

    await audit.append(
        [maker.record(AuditKind.ORDER_RESULT, event, waiting), maker.record(AuditKind.FILL, event, four)]
    )
    partly = await database.fetchrow("SELECT * FROM rebalance_orders")
    await audit.append([maker.record(AuditKind.FILL, event, six)])

    row = await database.fetchrow("SELECT * FROM rebalance_orders")
    assert (partly["status"], partly["filled_quantity"], partly["average_price"]) == ("WORKING", 4, 500)
    assert (row["status"], row["filled_quantity"], row["average_price"]) == ("FILLED", 10, 503)
    assert row["commission"] == Decimal("2.5")


async def test_a_result_stands_over_the_fills_that_it_sums_up(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """Fills are written before their result; reading them again changes nothing."""
    event = make_event()
    fill = maker.record(AuditKind.FILL, event, {**FILL, "quantity": "4"})
    cancelled = {**RESULT, "status": "CANCELLED", "filled_quantity": "4"}

    await audit.append([fill, maker.record(AuditKind.ORDER_RESULT, event, cancelled)])
    await audit.append([fill])

    row = await database.fetchrow("SELECT * FROM rebalance_orders")
    assert (row["status"], row["filled_quantity"]) == ("CANCELLED", 4)


UNTOLD = {"filled_quantity": None, "average_price": None, "commission": None, "message": "lost"}
LATER = {**ORDER, "order_ref": "e:2:1"}
LIVE = {"result": {"execution_mode": "live"}}


def _left_behind(maker: RecordMaker, event: RebalanceEvent, *last_words: str) -> list[AuditRecord]:
    """An attempt that intended an order and learned no more of it than this status, and its event claimed once more."""
    return [
        maker.record(AuditKind.CLAIMED, event),
        maker.record(AuditKind.ORDER_INTENT, event, ORDER),
        *(maker.record(AuditKind.ORDER_RESULT, event, {**RESULT, **UNTOLD, "status": word}) for word in last_words),
        maker.record(AuditKind.REQUEUED, event, {"error": "no gateway", "result": {}}),
        maker.record(AuditKind.CLAIMED, event.requeued()),
    ]


@pytest.mark.parametrize(
    ("last_words", "kind", "details"),
    [
        ([], AuditKind.ORDER_INTENT, LATER),
        (["UNCONFIRMED"], AuditKind.ORDER_INTENT, LATER),
        ([], AuditKind.COMPLETED, LIVE),
        (["WORKING"], AuditKind.COMPLETED, LIVE),
    ],
)
async def test_an_order_left_behind_has_ended_once_a_later_attempt_trades(
    audit: PostgresAudit,
    database: Any,
    maker: RecordMaker,
    *,
    last_words: list[str],
    kind: AuditKind,
    details: dict[str, Any],
) -> None:
    """Or ends without a trade: no attempt does either while an order is open. Its own order is only intended yet."""
    event = make_event()
    before, after = _left_behind(maker, event, *last_words), maker.record(kind, event.requeued(), details)

    await audit.append(before)
    await audit.append([after])

    row, *own = await database.fetch("SELECT * FROM rebalance_orders ORDER BY order_ref")
    assert (row["status"], row["filled_quantity"], row["finished_at"]) == ("ENDED", 0, after.recorded_at)
    assert row["message"] == "; ".join([*(["lost"] if last_words else []), "a later attempt found it no longer open"])
    assert [order["status"] for order in own] == ["intended"] * (kind is AuditKind.ORDER_INTENT)


@pytest.mark.parametrize(("quantity", "status"), [("4", "ENDED"), ("10", "FILLED")])
async def test_an_order_left_behind_has_what_filled_of_it(
    audit: PostgresAudit, database: Any, maker: RecordMaker, quantity: str, status: str
) -> None:
    """Also when its execution was told before the last word on the order."""
    event = make_event()
    fill = {**FILL, "quantity": quantity, "commission": "1"}

    await audit.append(
        [
            maker.record(AuditKind.FILL, event, fill),
            *_left_behind(maker, event, "UNCONFIRMED"),
            maker.record(AuditKind.COMPLETED, event.requeued(), LIVE),
        ]
    )

    row = await database.fetchrow("SELECT * FROM rebalance_orders")
    assert (row["status"], row["filled_quantity"], row["commission"]) == (status, Decimal(quantity), 1)
    assert row["average_price"] == Decimal("501.2")


async def test_an_order_for_the_close_ends_with_the_next_event_of_its_account(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """Its own event's end leaves it waiting, and so does whatever happens on another account."""
    first, second, other = make_event(), make_event(exec_command=Command.CANCEL_ORDERS), make_event("DU2")
    waiting = {**RESULT, **UNTOLD, "status": "WORKING"}

    await audit.append(
        [
            maker.record(AuditKind.CLAIMED, first),
            maker.record(AuditKind.ORDER_INTENT, first, ORDER),
            maker.record(AuditKind.ORDER_RESULT, first, waiting),
            maker.record(AuditKind.COMPLETED, first, LIVE),
            maker.record(AuditKind.CLAIMED, other),
            maker.record(AuditKind.COMPLETED, other, LIVE),
        ]
    )
    before = await database.fetchval("SELECT status FROM rebalance_orders")
    await audit.append([maker.record(AuditKind.CLAIMED, second), maker.record(AuditKind.COMPLETED, second)])

    assert (before, await database.fetchval("SELECT status FROM rebalance_orders")) == ("WORKING", "ENDED")


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        (AuditKind.COMPLETED, {"result": {"execution_mode": "dry_run"}}),
        (AuditKind.SKIPPED, {"result": {}}),
        (AuditKind.REQUEUED, {"error": "no gateway", "result": {}}),
    ],
)
async def test_an_attempt_that_cleared_nothing_tells_nothing_of_earlier_orders(
    audit: PostgresAudit, database: Any, maker: RecordMaker, kind: AuditKind, details: dict[str, Any]
) -> None:
    """It may have ended before it looked."""
    event = make_event()

    await audit.append([*_left_behind(maker, event), maker.record(kind, event.requeued(), details)])

    assert await database.fetchval("SELECT status FROM rebalance_orders") == "intended"


def test_every_status_that_is_no_end_is_looked_for() -> None:
    """Those of the brokerage, and our own."""
    text = load_queries()["end_left_orders"]
    (listed,) = re.findall(r"status IN \(([^)]*)\)", text)

    assert set(re.findall(r"\w+", listed)) == {
        "intended",
        "UNCONFIRMED",
        *(status.value for status in OrderStatus if not status.is_final),
    }


BAD: list[tuple[AuditKind, dict[str, Any], str]] = [
    (AuditKind.COMPLETED, {"result": {"note": "a\x00b"}}, "a NUL character"),
    (AuditKind.ORDER_INTENT, {"symbol": "SPY"}, "no order_ref"),
    (AuditKind.ORDER_INTENT, {**ORDER, "quantity": "many"}, "no number"),
    (AuditKind.ORDER_RESULT, {**RESULT, "side": "HOLD"}, "no such side"),
    (AuditKind.FILL, {**FILL, "executed_at": "yesterday, about noon"}, "no moment"),
]


@pytest.mark.parametrize(("kind", "details"), [case[:2] for case in BAD], ids=[case[2] for case in BAD])
async def test_a_record_that_postgres_refuses_stops_no_other(
    audit: PostgresAudit, database: Any, maker: RecordMaker, kind: AuditKind, details: dict[str, Any]
) -> None:
    """The bad record goes to quarantine byte for byte; those around it are stored, and the cursor passes it."""
    events = [make_event(f"DU{number}") for number in range(7)]
    records = [maker.record(AuditKind.QUEUED, event) for event in events[:3]]
    records.append(bad := maker.record(kind, events[0], details))
    records.extend(maker.record(AuditKind.QUEUED, event) for event in events[3:])
    records.append(maker.record(AuditKind.CLAIMED, events[6]))

    await audit.append(records)
    await audit.append(records)

    (quarantined,) = await database.fetch("SELECT * FROM audit_quarantine")
    assert (quarantined["counter"], quarantined["details"]) == (bad.counter, bad.details_json.encode())
    assert await database.fetchval("SELECT count(*) FROM event_history") == 8
    assert await database.fetchval("SELECT count(*) FROM rebalance_events") == 7
    assert (await audit.cursor()).stream_id == records[-1].stream_id


async def test_a_record_too_deep_for_postgres_stops_no_other(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """It is refused by a limit of the program's, not for what it says."""
    first, last = maker.record(AuditKind.QUEUED, make_event("DU1")), maker.record(AuditKind.QUEUED, make_event("DU2"))
    deep = maker.record(AuditKind.REQUEUED, make_event("DU1"))._replace(details_json="[" * 50_000 + "]" * 50_000)

    await audit.append([first, last, deep])

    assert [row["counter"] for row in await database.fetch("SELECT counter FROM audit_quarantine")] == [deep.counter]
    assert await database.fetchval("SELECT count(*) FROM event_history") == 2


async def test_records_and_the_place_of_the_last_are_stored_together(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """What dies between the two leaves neither; records without their place would be refused as known, next time."""
    await database.execute(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'dies here'; END $$;"
        "CREATE TRIGGER dies BEFORE UPDATE ON audit_cursor FOR EACH ROW EXECUTE FUNCTION die()"
    )
    records = [maker.record(AuditKind.QUEUED, make_event(f"DU{number}")) for number in range(3)]

    with pytest.raises(AuditUnavailable, match="dies here"):
        await audit.append(records)
    left = await database.fetchval("SELECT count(*) FROM event_history")
    await database.execute("DROP TRIGGER dies ON audit_cursor")

    assert left == 0
    assert await audit.append(records) == ()
    assert (await audit.cursor()).stream_id == records[-1].stream_id


async def test_invalid_json_is_quarantined(audit: PostgresAudit, database: Any, maker: RecordMaker) -> None:
    """Half of a surrogate pair and broken JSON cannot be stored, and are kept as bytes."""
    event = make_event()
    broken = maker.record(AuditKind.COMPLETED, event)._replace(details_json='{"x": NaN}')
    lone = maker.record(AuditKind.COMPLETED, event)._replace(details_json=json.dumps({"x": "\ud800"}))
    raw = maker.record(AuditKind.COMPLETED, event)._replace(details_json='{"x": "\ud800"}')

    await audit.append([broken, lone, raw])

    assert await database.fetchval("SELECT count(*) FROM audit_quarantine") == 3


async def test_a_pause_that_postgres_refuses_is_quarantined(
    audit: PostgresAudit, database: Any, maker: RecordMaker
) -> None:
    """It belongs to no event, and stops nothing behind it."""
    bad = maker.switched(AuditKind.PAUSED, "*", actor="ops", reason="a\x00b")
    good = maker.switched(AuditKind.RESUMED, "*", actor="ops")

    await audit.append([bad, good])

    (quarantined,) = await database.fetch("SELECT counter, event_id, event FROM audit_quarantine")
    assert tuple(quarantined) == (bad.counter, None, b"null")
    assert [pause.counter for pause in await audit.list_pauses(limit=10)] == [good.counter]


async def test_the_schema_may_be_applied_again(
    audit: PostgresAudit, postgres_address: PostgresAddress, maker: RecordMaker, pytestconfig: pytest.Config
) -> None:
    """Running init.sql over a database in use changes nothing."""
    event = make_event()
    await audit.append([maker.record(AuditKind.QUEUED, event)])

    async with open_pool(postgres_address) as pool:
        await apply_schema(pool, (Path(pytestconfig.rootpath) / "init.sql").read_text(encoding="utf-8"))

    assert await audit.get_event(event.event_id) is not None
    assert (await audit.cursor()).stream_id == maker.made[-1].stream_id


async def test_every_status_is_allowed_and_no_other(database: Any) -> None:
    """The table's check names exactly the statuses of the code."""
    definition = await database.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'rebalance_events_status_check'"
    )

    assert {word for word in definition.split("'") if word.isalpha() and word.islower()} == set(EventStatus)


async def test_a_postgres_that_is_away_is_unavailable(postgres_address: PostgresAddress) -> None:
    """Nobody listens: the error says to try again, and opening did not need a connection."""
    async with open_postgres(replace(postgres_address, port=free_port())) as audit:
        with pytest.raises(AuditUnavailable):
            await audit.ping()


async def test_a_missing_schema_is_unavailable(postgres_address: PostgresAddress, database: Any) -> None:
    """A database without our tables stores nothing and says so, without quarantining anything."""
    await database.execute("DROP TABLE rebalance_events")
    async with open_pool(postgres_address) as pool:
        audit = PostgresAudit(pool, load_queries())
        with pytest.raises(AuditUnavailable, match="rebalance_events"):
            await audit.append([RecordMaker().record(AuditKind.QUEUED, make_event())])

    assert await database.fetchval("SELECT count(*) FROM audit_quarantine") == 0
