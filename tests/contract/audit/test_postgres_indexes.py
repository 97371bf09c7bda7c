"""What a change of an event costs PostgreSQL, and how the few events that are not completed are found."""

from pathlib import Path
from typing import Any

import pytest

from event_queue.audit import AuditKind
from event_queue.postgres_audit import open_postgres
from event_queue.postgres_pool import PostgresAddress, apply_schema, open_pool
from event_queue.sql_files import load_queries
from event_queue.testing.events import make_event
from event_queue.testing.records import RecordMaker

pytestmark = pytest.mark.integration

MANY = 300
INDEXES = "SELECT indexname FROM pg_indexes WHERE tablename = 'rebalance_events'"


@pytest.fixture
def schema(pytestconfig: pytest.Config) -> str:
    """The text of init.sql."""
    return (Path(pytestconfig.rootpath) / "init.sql").read_text(encoding="utf-8")


async def test_a_change_of_an_event_touches_no_index(
    postgres_address: PostgresAddress, database: Any, maker: RecordMaker
) -> None:
    """However many change at once, nearly all new versions of rows find their place beside the old ones (HOT)."""
    events = [make_event(f"DU{number}") for number in range(MANY)]
    async with open_postgres(postgres_address) as audit:
        await audit.append([maker.record(AuditKind.QUEUED, event) for event in events])
        worked = [
            maker.record(kind, event, {"result": {}})
            for event in events
            for kind in (AuditKind.CLAIMED, AuditKind.COMPLETED)
        ]
        await audit.append(worked)

    # A server process hands its counts over as it ends, which the pool has waited for.
    changed, beside = await database.fetchrow(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'rebalance_events'"
    )

    assert changed == MANY
    assert beside > 0.8 * MANY


async def test_a_database_of_before_loses_the_indexes_that_every_change_touched(
    postgres_address: PostgresAddress, database: Any, schema: str
) -> None:
    """Applying init.sql leaves the same indexes as in a new database, and room in new pages."""
    new = await database.fetch(INDEXES)
    await database.execute(
        """
        DROP INDEX idx_events_rare_status;
        ALTER TABLE rebalance_events RESET (fillfactor);
        CREATE INDEX idx_events_status ON rebalance_events (status, created_at DESC, event_id DESC);
        CREATE INDEX idx_events_unfinished ON rebalance_events (last_counter)
            WHERE status IN ('pending', 'processing', 'failed', 'delayed');
        """
    )

    async with open_pool(postgres_address) as pool:
        await apply_schema(pool, schema)

    assert set(await database.fetch(INDEXES)) == set(new)
    options = await database.fetchval("SELECT reloptions FROM pg_class WHERE relname = 'rebalance_events'")
    assert options == ["fillfactor=50"]


async def test_the_few_unfinished_events_are_found_without_reading_all(database: Any) -> None:
    """Among many completed events only pages that may hold others are read."""
    await database.execute(
        """
        INSERT INTO rebalance_events (event_id, account_id, exec_command, source, status, payload, last_counter)
        SELECT gen_random_uuid(), 'DU1', 'rebalance', 'api', CASE number WHEN 7 THEN 'failed' ELSE 'completed' END,
               '{}', number
        FROM generate_series(1, 20000) AS number
        """
    )
    await database.execute("VACUUM ANALYZE rebalance_events")

    plan = "\n".join(row[0] for row in await database.fetch(f"EXPLAIN {load_queries()['list_unfinished']}"))

    assert "idx_events_rare_status" in plan
    assert [row["last_counter"] for row in await database.fetch(load_queries()["list_unfinished"])] == [7]
