"""What docs/operations.md tells an operator to do when Redis went back in time."""

import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import asyncpg
import pytest

from event_queue.audit import EventStatus
from event_queue.errors import HistoryDiverged
from event_queue.outcomes import Lease
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.redis_queue import RedisQueue
from event_queue.relay import OutboxRelay
from event_queue.testing.events import make_event

pytestmark = pytest.mark.integration

SOON = timedelta(seconds=20)


@pytest.fixture
async def audit(postgres_dsn: str) -> AsyncGenerator[PostgresAudit]:
    """The audit on PostgreSQL."""
    parts = urlsplit(postgres_dsn)
    address = PostgresAddress(
        host=parts.hostname or "", port=parts.port or 0, user=parts.username or "", database=parts.path.lstrip("/")
    )
    async with open_postgres(address) as audit:
        yield audit


def relay_of(queue: RedisQueue, audit: PostgresAudit) -> OutboxRelay:
    async def no_pause(_: timedelta) -> None:
        """Nothing to wait for."""

    return OutboxRelay(queue.outbox, audit, now=lambda: datetime(2025, 6, 24, tzinfo=UTC), pause=no_pause)


def documented(page: str, pattern: str) -> str:
    """The part of the page that the operator types."""
    found = re.search(pattern, page)
    assert found is not None
    return found.group(1)


async def resync(page: str, client: Any, dsn: str) -> None:
    """Follow the page: its SQL, and its two commands of redis-cli."""
    connection: Any = await cast("Any", asyncpg).connect(dsn)
    try:
        last = await connection.fetchval(documented(page, r'psql [^"]*"(.+)"\)'))
    finally:
        await connection.close()
    await client.delete(documented(page, r"redis-cli DEL (\S+)"))
    await client.set(documented(page, r'redis-cli SET (\S+) "\$last"'), str(last))


async def test_after_a_resync_records_reach_history_again(
    redis_queue: RedisQueue, lease: Lease, audit: PostgresAudit, postgres_dsn: str, pytestconfig: pytest.Config
) -> None:
    """An emptied Redis stops the relay; the page's commands make the numbers go on after those of history."""
    page = (pytestconfig.rootpath / "docs" / "operations.md").read_text("utf-8")
    await redis_queue.intake.enqueue(make_event("before"))
    await redis_queue.worker.claim(lease, "0")
    await relay_of(redis_queue, audit).drain(within=SOON)
    await redis_queue.client.flushall()
    await redis_queue.intake.enqueue(waiting := make_event("waiting"))
    with pytest.raises(HistoryDiverged):
        await relay_of(redis_queue, audit).drain(within=SOON)

    await resync(page, redis_queue.client, postgres_dsn)
    await redis_queue.intake.enqueue(later := make_event("later"))
    await redis_queue.admin.delete(waiting.event_id, actor="operator")

    assert await relay_of(redis_queue, audit).drain(within=SOON)
    ended, queued = await audit.get_event(waiting.event_id), await audit.get_event(later.event_id)
    assert ended is not None
    assert ended.status is EventStatus.DELETED
    assert queued is not None
    assert queued.status is EventStatus.PENDING
