"""PostgreSQL or the relay is killed at random moments of a batch, and files of the spill are lost for good."""

import asyncio
import random
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest

from event_queue.errors import AuditUnavailable, HistoryGap
from event_queue.mender import Mender
from event_queue.one_past import Verdict
from event_queue.outbox_relief import OutboxRelief
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.postgres_pool import open_pool
from event_queue.redis_queue import RedisQueue
from event_queue.relay import OutboxRelay
from event_queue.spill import Spill
from event_queue.testing.events import make_event
from event_queue.testing.postgres_server import running_postgres
from event_queue.testing.relays import address_of, relay_of

pytestmark = pytest.mark.integration

AT_ONCE = timedelta(milliseconds=1)
SOON = timedelta(seconds=60)
KILLS = 6


async def fill(queue: RedisQueue, count: int, name: str) -> None:
    for number in range(count):
        await queue.intake.enqueue(make_event(f"{name}-{number}"))


async def stored(dsn: str) -> list[int]:
    """The counters of history in their order."""
    connection: Any = await cast("Any", asyncpg).connect(dsn)
    try:
        return [row["counter"] for row in await connection.fetch("SELECT counter FROM event_history ORDER BY counter")]
    finally:
        await connection.close()


async def carry_until_cut(relay: OutboxRelay) -> None:
    with suppress(AuditUnavailable):
        while await relay.carry(block=AT_ONCE):
            pass


async def test_postgres_killed_amid_batches_stores_each_record_once(
    redis_queue: RedisQueue, pytestconfig: pytest.Config
) -> None:
    """Killed between insert, commit and trim, again and again; then all is there once, in order."""
    schema = (pytestconfig.rootpath / "init.sql").read_text(encoding="utf-8")
    chance = random.Random(7)  # noqa: S311 - repeatable, not secret
    with running_postgres() as server:
        dsn = await server.create_database(schema)
        async with open_postgres(address_of(dsn)) as audit:
            for turn in range(KILLS):
                await fill(redis_queue, 120, f"T{turn}")
                carrying = asyncio.create_task(carry_until_cut(relay_of(redis_queue.outbox, audit)))
                await asyncio.wait({carrying}, timeout=chance.uniform(0, 0.15))
                await asyncio.to_thread(server.kill)
                await carrying
                await asyncio.to_thread(server.start)

            assert await relay_of(redis_queue.outbox, audit).drain(within=SOON)
            assert await stored(dsn) == list(range(1, KILLS * 120 + 1))
    assert await redis_queue.outbox.length() == 0


async def test_a_postgres_that_hangs_is_cut_off_in_time(postgres_dsn: str) -> None:
    """A statement, and the rollback behind it, have one bound; the next use gets another connection."""
    async with open_pool(address_of(postgres_dsn), use_seconds=0.3) as pool:
        with pytest.raises(AuditUnavailable, match="nap"):
            async with asyncio.timeout(20), pool.connection("nap") as connection, connection.transaction():
                await connection.execute("SELECT pg_sleep(3600)")

        async with pool.connection("again") as connection:
            assert await connection.fetchval("SELECT 1") == 1


async def test_a_frozen_postgres_is_left_in_time() -> None:
    """It answers neither the statement nor a cancellation; once it is thawed, it serves again."""
    with running_postgres() as server:
        dsn = await server.create_database()
        async with open_pool(address_of(dsn), use_seconds=0.3) as pool:
            async with pool.connection("warm up") as connection:
                await connection.fetchval("SELECT 1")
            await asyncio.to_thread(server.freeze)
            with pytest.raises(AuditUnavailable, match="question"):
                async with asyncio.timeout(20), pool.connection("question") as connection, connection.transaction():
                    await connection.fetchval("SELECT 1")
            await asyncio.to_thread(server.thaw)

            async with pool.connection("again") as connection:
                assert await connection.fetchval("SELECT 1") == 1


async def test_a_connection_is_not_used_again_whose_transaction_could_not_be_ended(
    postgres_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is ended without a word; putting it back would ask it for a rollback, and log an error."""
    async with open_pool(address_of(postgres_dsn)) as pool:
        async with pool.connection("half") as connection:
            await connection.execute("BEGIN")
            first = await connection.fetchval("SELECT pg_backend_pid()")
        async with pool.connection("again") as connection:
            second = await connection.fetchval("SELECT pg_backend_pid()")

    assert first != second
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []


async def test_a_relay_cancelled_amid_batches_stores_each_record_once(
    redis_queue: RedisQueue, audit: PostgresAudit, postgres_dsn: str, tmp_path: Path
) -> None:
    """Cut off at random moments, of reading, storing, trimming, spilling and bringing back; the next one goes on."""
    chance = random.Random(11)  # noqa: S311 - repeatable, not secret
    for turn in range(25):
        spill = Spill(tmp_path / "spill", host="here", segment_bytes=4000)
        relief = OutboxRelief(redis_queue.outbox, spill, budget_bytes=chance.choice([1, 10_000]))
        await fill(redis_queue, 20, f"T{turn}")
        relay = relay_of(redis_queue.outbox, audit, spill=spill, batch=7)
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(carry_until_cut(relay)),
            asyncio.create_task(relief.look()),
        ]
        await asyncio.wait(tasks, timeout=chance.uniform(0, 0.03))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(spill.close)

    spill = Spill(tmp_path / "spill", host="here")
    assert await relay_of(redis_queue.outbox, audit, spill=spill).drain(within=SOON)
    assert await stored(postgres_dsn) == list(range(1, 501))
    assert await redis_queue.outbox.spills() == []
    spill.close()


async def test_files_lost_for_good_can_be_accepted(
    redis_queue: RedisQueue, audit: PostgresAudit, postgres_dsn: str, tmp_path: Path
) -> None:
    """As docs/operations.md tells: forget the files in Redis, then resync; history goes on behind what is gone."""
    await fill(redis_queue, 5, "before")
    await relay_of(redis_queue.outbox, audit).drain(within=SOON)
    spill = Spill(tmp_path / "spill", host="here")
    await fill(redis_queue, 20, "lost")
    await OutboxRelief(redis_queue.outbox, spill, budget_bytes=1).look()
    spill.close()
    await fill(redis_queue, 3, "later")
    mender = Mender(redis_queue.mending, audit.past)
    with pytest.raises(HistoryGap, match="6 to 25"):
        await relay_of(redis_queue.outbox, audit).carry(block=AT_ONCE)
    before = (await mender.compare()).verdict

    (marker,) = await redis_queue.outbox.spills()
    await redis_queue.client.hdel(redis_queue.keys.spilled, marker.spill_id)
    await mender.mend()

    assert before is Verdict.AGREES
    assert await relay_of(redis_queue.outbox, audit).drain(within=SOON)
    counters = await stored(postgres_dsn)
    assert counters[:5] == [1, 2, 3, 4, 5]
    assert counters[5:] == list(range(26, counters[-1] + 1))
    assert (await mender.compare()).verdict is Verdict.AGREES
