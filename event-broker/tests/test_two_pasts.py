"""Redis goes back while PostgreSQL is away and records lie on disk: no two pasts are mixed, and one resync ends it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest

from event_broker.history_keeper import HistoryKeeper
from event_broker.past_gate import PastGate
from event_broker.spill_keeper import SpillKeeper
from event_queue.another_past import AnotherPast
from event_queue.components import ComponentState
from event_queue.known_run import KnownRun
from event_queue.mender import Mender
from event_queue.one_past import Verdict
from event_queue.outbox_relief import OutboxRelief
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.redis_queue import RedisQueue
from event_queue.relay import OutboxRelay
from event_queue.spill import Spill
from event_queue.testing.events import make_event
from event_queue.testing.invariants import check_with_history
from event_queue.testing.lost_redis import carry, copy_of, go_back, history_of
from event_queue.testing.relays import address_of
from event_queue.testing.server_process import free_port
from service_runtime.clock import SystemClock

pytestmark = pytest.mark.integration

CLOCK = SystemClock()
LONG_SECONDS = 30
SOON = timedelta(seconds=LONG_SECONDS)


class Broker:
    """The parts of an event-broker that carry records and look after history."""

    def __init__(self, queue: RedisQueue, audit: PostgresAudit, directory: Path) -> None:
        self.mender = Mender(queue.mending, audit.past)
        self.spill = Spill(directory / "spill", host="here")
        self.relief = OutboxRelief(queue.outbox, self.spill, budget_bytes=1)
        self.relay = OutboxRelay(
            queue.outbox,
            audit,
            now=CLOCK.now,
            pause=_no_pause,
            spill=self.spill,
            store_another_past=AnotherPast(self.mender, audit.past, audit).store,
        )
        files = SpillKeeper(self.spill, self.mender, carry=self.relay.carry_files)
        self.keeper = HistoryKeeper(self.mender, queue.mending, files, PastGate(KnownRun()), CLOCK)

    async def looks_until(self, found: Callable[[], bool]) -> None:
        """Let the keeper look until what it reports is as asked."""
        changed = asyncio.Event()
        self.keeper.changed = changed.set
        running = asyncio.create_task(self.keeper.run())
        try:
            async with asyncio.timeout(LONG_SECONDS):
                while not found():
                    await changed.wait()
                    changed.clear()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    @property
    def is_down(self) -> bool:
        return self.keeper.report().state is ComponentState.DOWN


async def _no_pause(_: timedelta) -> None:
    """Nothing to wait for."""


@asynccontextmanager
async def broker_of(queue: RedisQueue, directory: Path, dsn: str = "") -> AsyncGenerator[Broker]:
    """An event-broker; without an address its PostgreSQL is away."""
    away = PostgresAddress(host="127.0.0.1", port=free_port(), user="nobody", database="none")
    async with open_postgres(address_of(dsn) if dsn else away) as audit:
        broker = Broker(queue, audit, directory)
        try:
            yield broker
        finally:
            await asyncio.to_thread(broker.spill.close)


async def fill(queue: RedisQueue, count: int, name: str) -> None:
    for number in range(count):
        await queue.intake.enqueue(make_event(f"{name}{number}"))


async def accounts_of(dsn: str) -> list[str]:
    """The accounts whose events history was told of, in its order."""
    connection: Any = await cast("Any", asyncpg).connect(dsn)
    try:
        rows = await connection.fetch("SELECT account_id FROM event_history WHERE kind = 'queued' ORDER BY counter")
    finally:
        await connection.close()
    return [row["account_id"] for row in rows]


async def agree_after_resync(queue: RedisQueue, broker: Broker, dsn: str) -> None:
    """An operator's resync ends it, and every account has one living event."""
    await broker.mender.mend()
    assert await broker.relay.drain(within=SOON)
    assert (await broker.mender.compare()).verdict is Verdict.AGREES
    assert await queue.mending.halt_reason() == ""
    await check_with_history(queue.client, queue.keys, await history_of(dsn))


async def test_a_redis_that_went_back_behind_the_files_is_halted_while_postgresql_is_away(
    redis_queue: RedisQueue, postgres_dsn: str, tmp_path: Path
) -> None:
    """Nothing of the second past joins the first on disk; when PostgreSQL is back, the files go first."""
    await fill(redis_queue, 5, "both")
    copy = await copy_of(redis_queue.client)
    async with broker_of(redis_queue, tmp_path) as broker:
        await fill(redis_queue, 5, "first")
        await broker.relief.look()
        await go_back(redis_queue.client, copy)
        await fill(redis_queue, 20, "second")

        await broker.looks_until(lambda: broker.is_down)
        await broker.relief.look()
        error = broker.relief.state.error or ""
        spilled = broker.spill.records

    async with broker_of(redis_queue, tmp_path, postgres_dsn) as broker:
        await broker.looks_until(lambda: broker.keeper.report().facts["verdict"] is Verdict.REDIS_WENT_BACK)

        assert (spilled, broker.spill.records) == (10, 0)
        assert "halted" in error
        await agree_after_resync(redis_queue, broker, postgres_dsn)
    told = await accounts_of(postgres_dsn)
    assert told[:10] == [f"both{n}" for n in range(5)] + [f"first{n}" for n in range(5)]
    assert told[10:] == [f"second{n}" for n in range(20)]
    assert len(await redis_queue.mending.present()) == 30


@pytest.mark.parametrize("dies", [False, True])
async def test_files_of_a_second_past_go_behind_what_history_holds(
    redis_queue: RedisQueue, audit: PostgresAudit, postgres_dsn: str, tmp_path: Path, *, dies: bool
) -> None:
    """Nobody could tell when they were spilled: trading is halted, nothing is lost or doubled, also after a death."""
    await fill(redis_queue, 5, "both")
    copy = await copy_of(redis_queue.client)
    await fill(redis_queue, 15, "first")
    await carry(redis_queue, audit)
    await go_back(redis_queue.client, copy)
    async with broker_of(redis_queue, tmp_path) as broker:
        await fill(redis_queue, 5, "second")
        await broker.relief.look()
    await fill(redis_queue, 3, "third")

    async with broker_of(redis_queue, tmp_path, postgres_dsn) as broker:
        await asyncio.to_thread(broker.spill.open)
        if dies:
            records = await asyncio.to_thread(broker.spill.read, 1000)
            await AnotherPast(broker.mender, audit.past, audit).store(records)
        await broker.relay.carry_files()
        halt = await redis_queue.mending.halt_reason()
        await broker.looks_until(lambda: broker.is_down)

        assert halt.startswith("halted 5 20 ")
        assert broker.spill.records == 0
        await agree_after_resync(redis_queue, broker, postgres_dsn)
    told = await accounts_of(postgres_dsn)
    assert told[20:] == [f"second{n}" for n in range(5)] + [f"third{n}" for n in range(3)]
    assert len(told) == len(set(told)) == 28
    assert len(await redis_queue.mending.present()) == 28
