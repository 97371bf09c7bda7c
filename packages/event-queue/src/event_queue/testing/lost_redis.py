"""A Redis that goes back to an earlier moment, and what history says of it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import asyncpg

from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_queue import RedisQueue
from event_queue.relay import OutboxRelay

_SOON: Final = timedelta(seconds=60)
Copy = Mapping[bytes, bytes]


async def copy_of(client: Any) -> Copy:
    """Everything that Redis holds, as an append-only file would keep it."""
    return {key: await client.execute_command("DUMP", key, NEVER_DECODE=[]) for key in await client.keys()}


async def go_back(client: Any, copy: Copy) -> None:
    """Redis as it was when the copy was made; an empty copy empties it."""
    await client.flushall()
    for key, value in copy.items():
        await client.restore(key, 0, value)


async def carry(queue: RedisQueue, audit: PostgresAudit, *, at_most: int | None = None) -> None:
    """Let records reach PostgreSQL: all that wait, or the oldest ones."""

    async def no_pause(_: timedelta) -> None:
        """Nothing to wait for."""

    def now() -> datetime:
        return datetime(2025, 6, 24, tzinfo=UTC)

    relay = OutboxRelay(queue.outbox, audit, now=now, pause=no_pause, batch=at_most or 500)
    if at_most is None:
        await relay.drain(within=_SOON)
    elif at_most:
        await relay.carry(block=timedelta(milliseconds=1))


async def history_of(dsn: str) -> Sequence[Mapping[str, str]]:
    """`n`, `kind` and `event` of every record in PostgreSQL, those of pauses among them."""
    driver = cast("Any", asyncpg)
    connection = await driver.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT counter, kind, event::text AS event FROM event_history "
            "UNION ALL SELECT counter, kind, 'null' FROM trading_pauses ORDER BY counter"
        )
    finally:
        await connection.close()
    return [{"n": str(row["counter"]), "kind": row["kind"], "event": row["event"]} for row in rows]
