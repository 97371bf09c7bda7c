"""What a purge of history leaves behind is enough to rebuild an emptied Redis from."""

from datetime import timedelta
from typing import Any

import pytest

from event_queue.audit import AuditKind
from event_queue.inbound_message import InboundMessage
from event_queue.mender import Mender
from event_queue.outcomes import Lease, Remembered
from event_queue.postgres_audit import PostgresAudit
from event_queue.receipts import LONGEST_LIFE
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event
from event_queue.testing.lost_redis import carry
from service_runtime.clock import SystemClock
from service_runtime.settings import PostgresSettings

pytestmark = pytest.mark.integration

CLOCK = SystemClock()
LONG = timedelta(days=400)
AGING = (
    "UPDATE event_history SET recorded_at = recorded_at - $1::interval",
    "UPDATE trading_pauses SET recorded_at = recorded_at - $1::interval",
    "UPDATE audit_quarantine SET quarantined_at = quarantined_at - $1::interval",
    "UPDATE rebalance_events SET completed_at = completed_at - $1::interval",
)
COUNTS = (
    "SELECT (SELECT count(*) FROM rebalance_events) AS events, (SELECT count(*) FROM event_history) AS records, "
    "(SELECT count(*) FROM rebalance_orders) AS orders, (SELECT count(*) FROM rebalance_fills) AS fills"
)
ADD_REFUSED = (
    "INSERT INTO event_history (counter, stream_id, kind, event_id, account_id, recorded_at, event) "
    "SELECT n, '1-0', 'duplicate', gen_random_uuid(), 'DU1', $1, '{}' FROM generate_series(1, 5001) AS n"
)


@pytest.fixture
def mender(redis_queue: RedisQueue, audit: PostgresAudit) -> Mender:
    """What puts the queue right."""
    return Mender(redis_queue.mending, audit.past)


async def age(database: Any) -> None:
    """Let everything that history holds have happened long ago."""
    for statement in AGING:
        await database.execute(statement, LONG)


async def purge_all(queue: RedisQueue, audit: PostgresAudit, database: Any) -> int:
    """Carry, let all of it grow old, and purge."""
    await carry(queue, audit)
    await age(database)
    return await audit.purge(now=CLOCK.now(), retention=timedelta(days=365))


async def counts(database: Any) -> dict[str, int]:
    return dict(await database.fetchrow(COUNTS))


def test_no_retention_is_as_short_as_what_redis_keeps() -> None:
    """Receipts and expected fills come back from records of the last eight days."""
    shortest = PostgresSettings.model_json_schema()["properties"]["retention_days"]["minimum"]

    assert timedelta(days=shortest) >= LONGEST_LIFE + timedelta(days=1)


async def test_a_pause_in_force_comes_back_after_a_purge(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender, database: Any
) -> None:
    """An account paused for longer than the retention is not traded because Redis was lost."""
    await redis_queue.trading.pause("DU2", actor="ops", reason="over")
    await redis_queue.trading.resume("DU2", actor="ops")
    for scope in ("DU1", "*"):
        await redis_queue.trading.pause(scope, actor="ops", reason="broken strategy")
    await purge_all(redis_queue, audit, database)

    await redis_queue.client.flushall()
    await mender.mend()

    assert set(await redis_queue.trading.read()) == {"DU1", "*"}


async def test_a_remembered_signal_comes_back_after_a_purge(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender, lease: Lease, database: Any
) -> None:
    """It waits for as long as the event that it was remembered for, which may be tried for months."""
    held, newer = make_event("DU1"), make_event("DU1")
    await redis_queue.intake.enqueue(held)
    await redis_queue.worker.claim(lease, "0")
    remembered = await redis_queue.intake.enqueue(
        newer, message=InboundMessage("growth", "m1"), remember_while_in_flight=True
    )
    assert isinstance(remembered, Remembered)
    await redis_queue.worker.requeue(lease, "0", held, pause=timedelta(), error="x", result={})
    await purge_all(redis_queue, audit, database)

    await redis_queue.client.flushall()
    await mender.mend()

    [signal] = (await redis_queue.mending.reruns()).values()
    assert signal == newer.event_id


async def test_the_progress_of_a_quiet_channel_comes_back_after_a_purge(
    redis_queue: RedisQueue, audit: PostgresAudit, lease: Lease, database: Any
) -> None:
    """Its event goes; of its messages the last one stays, and tells from where the channel is read again."""
    sent = CLOCK.now() - LONG
    for name in ("m1", "m2"):
        event = make_event("DU1")
        await redis_queue.intake.enqueue(event, message=InboundMessage("growth", name, sent))
        await redis_queue.worker.claim(lease, "0")
        await redis_queue.worker.complete(lease, "0", event, result={}, claim_next=False)

    assert await purge_all(redis_queue, audit, database) == 2

    progress = await audit.past.progress()
    assert {channel: each.message_id for channel, each in progress.items()} == {"growth": "m2"}
    assert await counts(database) == {"events": 0, "records": 1, "orders": 0, "fills": 0}


async def test_what_hangs_on_a_purged_event_goes_too(
    redis_queue: RedisQueue, audit: PostgresAudit, lease: Lease, database: Any
) -> None:
    """Orders and fills, also an execution that was told when the event had left already, and old quarantine."""
    event = make_event("DU1")
    order = {"order_ref": f"{event.event_id}:1:BUY:SPY", "symbol": "SPY", "side": "BUY", "quantity": "1"}
    fill = {**order, "price": "5", "commission": "0", "executed_at": CLOCK.now().isoformat()}
    day = CLOCK.now().date()
    await redis_queue.intake.enqueue(event)
    await redis_queue.worker.claim(lease, "0")
    intent = {**order, "order_type": "MKT", "limit_price": None, "time_in_force": "DAY", "reason": None}
    await redis_queue.worker.record(lease, "0", event, AuditKind.ORDER_INTENT, intent)
    await redis_queue.worker.record_fill(lease, event.event_id, "DU1", {**fill, "exec_id": "1"}, trading_day=day)
    await redis_queue.worker.complete(lease, "0", event, result={}, claim_next=False)
    assert await purge_all(redis_queue, audit, database) == 1

    await redis_queue.worker.record_fill(lease, event.event_id, "DU1", {**fill, "exec_id": "2"}, trading_day=day)
    await carry(redis_queue, audit)
    assert await counts(database) == {"events": 0, "records": 1, "orders": 0, "fills": 1}
    await purge_all(redis_queue, audit, database)

    assert await counts(database) == {"events": 0, "records": 0, "orders": 0, "fills": 0}


async def test_quarantine_is_kept_for_an_event_that_has_not_ended(
    redis_queue: RedisQueue, audit: PostgresAudit, database: Any
) -> None:
    """What PostgreSQL refused of a living event is all that tells of that step."""
    living = make_event("DU1")
    await redis_queue.intake.enqueue(living)
    add = "INSERT INTO audit_quarantine VALUES ($1, '1-0', 'fill', $2, '', '', 'odd')"
    await carry(redis_queue, audit)
    await database.execute(add, 1001, living.event_id)
    await database.execute(add, 1002, make_event("DU2").event_id)

    await purge_all(redis_queue, audit, database)

    assert await database.fetchval("SELECT array_agg(counter) FROM audit_quarantine") == [1001]


async def test_more_than_a_transaction_deletes_is_purged_in_several(audit: PostgresAudit, database: Any) -> None:
    """None of them takes so long that it is cut off; in the end all is gone."""
    moment = CLOCK.now()
    await database.execute(ADD_REFUSED, moment)
    await database.execute("UPDATE audit_cursor SET stream_id = '9000000000000-0'")

    await audit.purge(now=moment + LONG, retention=timedelta(days=365))

    assert (await counts(database))["records"] == 0
