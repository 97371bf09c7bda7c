"""PostgreSQL goes away in every way that it can, for longer than Redis holds the history: trading and history go on."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest

from event_queue.testing.postgres_server import PostgresServer, running_postgres
from event_queue.testing.redis_server import running_redis
from running_system import Follower, System, eventually

pytestmark = pytest.mark.e2e

OpenSystem = Callable[..., AbstractAsyncContextManager[System]]
Step = Callable[[PostgresServer, str], Awaitable[object]]

WORLD: Mapping[str, Any] = {"instruments": [{"symbol": "A", "price": 100}, {"symbol": "B", "price": 50}]}
FOLLOWERS = [
    Follower(account_id=account_id, answer={"A": 0.5, "B": 0.5}, cash=10_000) for account_id in ("DU1", "DU2", "DU3")
]
BOUGHT = {"A": 50, "B": 100}
SMALL_OUTBOX = {"OUTBOX_BUDGET_MB": "0.008"}
DISK_FULL = """
CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER disk_full BEFORE INSERT ON event_history FOR EACH STATEMENT EXECUTE FUNCTION disk_full();
"""
READ_ONLY = """
ALTER DATABASE {database} SET default_transaction_read_only = on;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid();
"""
WRITABLE = """
ALTER DATABASE {database} RESET default_transaction_read_only;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid();
"""


@asynccontextmanager
async def connected(server: PostgresServer, database: str) -> AsyncGenerator[Any]:
    """A connection of the test's own."""
    connection: Any = await cast("Any", asyncpg).connect(server.dsn(database))
    try:
        yield connection
    finally:
        await connection.close()


def sql(text: str, *, within: str | None = None) -> Step:
    async def run(server: PostgresServer, database: str) -> None:
        async with connected(server, within or database) as connection:
            for statement in text.format(database=database).split("\n") if within else [text]:
                if statement:
                    await connection.execute(statement)

    return run


def step(method: Callable[[PostgresServer], None]) -> Step:
    return lambda server, _: asyncio.to_thread(method, server)


OUTAGES: Mapping[str, tuple[Step, Step]] = {
    "refused": (step(PostgresServer.kill), step(PostgresServer.start)),
    "hung": (step(PostgresServer.freeze), step(PostgresServer.thaw)),
    "disk full": (sql(DISK_FULL), sql("DROP TRIGGER disk_full ON event_history")),
    "read-only": (sql(READ_ONLY, within="postgres"), sql(WRITABLE, within="postgres")),
}


async def counters(server: PostgresServer, database: str) -> list[int]:
    """Every counter of history, which must have no gap and no repeat."""
    async with connected(server, database) as connection:
        rows = await connection.fetch(
            "SELECT counter FROM event_history UNION ALL SELECT counter FROM audit_quarantine ORDER BY counter"
        )
    return [row["counter"] for row in rows]


async def strained(system: System) -> Mapping[str, Any]:
    """What health says of the relay once it has noticed the outage and records lie on disk."""
    health = await eventually(
        system.api.health,
        lambda body: body["components"]["relay"].get("spilled_records") and body["components"]["relay"]["last_error"],
    )
    return health["components"]["relay"]


def database_of(system: System) -> str:
    return system.broker.environment["POSTGRES_DATABASE"]


@pytest.mark.parametrize("kind", OUTAGES)
async def test_trading_and_history_outlast_an_outage(open_system: OpenSystem, tmp_path: Path, kind: str) -> None:
    """Events end while it lasts, their records move to disk, and afterwards history has each exactly once, in order."""
    away, back = OUTAGES[kind]
    settings = {**SMALL_OUTBOX, "OUTBOX_SPILL_DIRECTORY": str(tmp_path / "spill")}
    with running_postgres() as postgres, running_redis() as redis:
        async with open_system(FOLLOWERS, WORLD, redis=redis, postgres=postgres, settings=settings) as system:
            await system.rebalance("DU1")
            await away(postgres, database_of(system))
            ids = [await system.signal("DU2"), (await system.api.post("DU3", "rebalance")).json()["event_id"]]
            for event_id in ids:
                await system.processor.log.until("event_completed", event_id=event_id)
            relay = await strained(system)
            held = [system.held(account_id) for account_id in ("DU2", "DU3")]
            answers = [(await system.api.http.get(path)).status_code for path in ("/health", "/queue/status")]
            await back(postgres, database_of(system))
            ended = [await system.api.ended(event_id) for event_id in ids]
            await system.api.component("relay", "ok")
            stored = await counters(postgres, database_of(system))

            assert held == [BOUGHT, BOUGHT]
            assert answers == [200, 200]
            assert relay["status"] == "degraded"
            assert relay["lag_records"] >= relay["spilled_records"] > 0
            assert relay["lag_seconds"] > 0
            assert [event["status"] for event in ended] == ["completed", "completed"]
            assert stored == list(range(1, len(stored) + 1))
            assert list((tmp_path / "spill").glob("0*")) == []


async def test_a_broker_killed_amid_an_outage_goes_on_with_its_files(open_system: OpenSystem, tmp_path: Path) -> None:
    """Killed with records on disk, and again while it brings them back; one elsewhere says where they are."""
    directory = tmp_path / "spill"
    settings = {**SMALL_OUTBOX, "OUTBOX_SPILL_DIRECTORY": str(directory)}
    with running_postgres() as postgres, running_redis() as redis:
        async with open_system(FOLLOWERS, WORLD, redis=redis, postgres=postgres, settings=settings) as system:
            await asyncio.to_thread(postgres.kill)
            event_id = await system.signal("DU1")
            await system.processor.log.until("event_completed", event_id=event_id)
            await strained(system)
            await system.broker.kill()
            system.broker.environment["OUTBOX_SPILL_DIRECTORY"] = str(tmp_path / "elsewhere")
            await asyncio.to_thread(postgres.start)
            await system.broker.start()
            lost = await eventually(
                system.api.health, lambda body: "are missing" in str(body["components"]["relay"]["detail"])
            )
            traded = await system.signal("DU2")
            await system.processor.log.until("event_completed", event_id=traded)
            await system.broker.kill()
            system.broker.environment["OUTBOX_SPILL_DIRECTORY"] = str(directory)
            await system.broker.start()
            await system.api.ended(traded)
            stored = await counters(postgres, database_of(system))

            assert str(directory) in lost["components"]["relay"]["detail"]
            assert lost["components"]["relay"]["status"] == "degraded"
            assert stored == list(range(1, len(stored) + 1))
