"""Reads Redis and PostgreSQL with clients of its own: key by key, table by table."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
from redis.asyncio import Redis

from chaos.observation import Books, Entry, Row, Tables

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMEOUT_SECONDS = 20.0

_HISTORY = "SELECT counter, stream_id, kind, event::text, details::text, recorded_at FROM event_history"
_PAUSES = (
    "SELECT counter, stream_id, kind, 'null', json_build_object('scope', scope)::text, recorded_at FROM trading_pauses"
)
_QUARANTINE = "SELECT counter, stream_id, kind, event, details, NULL FROM audit_quarantine"
_ROWS = "SELECT event_id::text, status, times_queued, last_counter FROM rebalance_events"


def raw_redis(port: int) -> Any:
    """A client for looking, with patience and without retries; the caller closes it."""
    return Redis(port=port, decode_responses=True, socket_timeout=_TIMEOUT_SECONDS)


async def read_books(client: Any, prefix: str = "") -> Books:
    """Everything of the queue, in one transaction."""
    async with client.pipeline(transaction=True) as pipe:
        pipe.lrange(f"{prefix}rebalance_queue", 0, -1)
        pipe.zrange(f"{prefix}delayed_events", 0, -1, withscores=True)
        pipe.hgetall(f"{prefix}processing_events")
        pipe.hgetall(f"{prefix}rebalance_events")
        pipe.hgetall(f"{prefix}active_events")
        pipe.zrange(f"{prefix}event_ages", 0, -1, withscores=True)
        pipe.smembers(f"{prefix}retrying_events")
        pipe.hgetall(f"{prefix}rerun_events")
        pipe.hgetall(f"{prefix}event_recoveries")
        pipe.get(f"{prefix}outbox_counter")
        pipe.get(f"{prefix}queue_halt")
        pipe.xrange(f"{prefix}event_outbox")
        *told, halt, outbox = await pipe.execute()
    line, delayed, held, events, active, ages, retrying, reruns, recoveries, counter = told
    return Books(
        line=line[::-1],
        delayed=dict(delayed),
        in_flight=held,
        events={event_id: json.loads(body) for event_id, body in events.items()},
        active=active,
        ages=dict(ages),
        retrying=frozenset(retrying),
        reruns={pair: remembered.partition(" ")[0] for pair, remembered in reruns.items()},
        recoveries=recoveries,
        counter=int(counter or 0),
        outbox=[_from_stream(stream_id, fields) for stream_id, fields in outbox],
        halt=halt or "",
    )


async def read_tables(dsn: str) -> Tables:
    """Everything of the audit, in one snapshot."""
    driver: Any = asyncpg
    connection = await driver.connect(dsn, timeout=_TIMEOUT_SECONDS, command_timeout=_TIMEOUT_SECONDS)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            stored = [_from_row(*row) for query in (_HISTORY, _PAUSES) for row in await connection.fetch(query)]
            refused = [_from_row(*row) for row in await connection.fetch(_QUARANTINE)]
            rows = [Row(*row) for row in await connection.fetch(_ROWS)]
            cursor = await connection.fetchval("SELECT counter FROM audit_cursor")
    finally:
        await connection.close()
    entries = sorted((*stored, *refused), key=lambda entry: entry.counter)
    return Tables(entries=entries, rows=rows, cursor=cursor, quarantined=len(refused))


async def stored_counter(dsn: str) -> int:
    """Number of the last record that PostgreSQL holds."""
    driver: Any = asyncpg
    connection = await driver.connect(dsn, timeout=_TIMEOUT_SECONDS, command_timeout=_TIMEOUT_SECONDS)
    try:
        return await connection.fetchval("SELECT counter FROM audit_cursor")
    finally:
        await connection.close()


async def empty_tables(dsn: str, *, first_run: str | None = None) -> None:
    """Make the database as init.sql left it, or as an event-broker does that meets its first run of Redis."""
    tables = (
        "rebalance_events, event_history, rebalance_orders, rebalance_fills, trading_pauses, audit_cursor,"
        " audit_quarantine"
    )
    driver: Any = asyncpg
    connection = await driver.connect(dsn, timeout=_TIMEOUT_SECONDS, command_timeout=_TIMEOUT_SECONDS)
    try:
        await connection.execute(f"TRUNCATE {tables}")
        await connection.execute("INSERT INTO audit_cursor (first_run) VALUES ($1)", first_run)
    finally:
        await connection.close()


def _from_stream(stream_id: str, fields: Mapping[str, str]) -> Entry:
    details: dict[str, Any] = json.loads(fields["details"])
    if fields["due"]:
        details["next_attempt_ms"] = float(fields["due"])
    moved = int(fields["at"]) if "at" in fields else None
    return Entry(int(fields["n"]), stream_id, fields["kind"], json.loads(fields["event"]), details, moved)


def _from_row(
    counter: int, stream_id: str, kind: str, event: str | bytes, details: str | bytes, at: datetime | None
) -> Entry:
    told: dict[str, Any] = json.loads(details)
    if told.get("next_attempt_at"):
        told["next_attempt_ms"] = _ms(datetime.fromisoformat(told["next_attempt_at"]))
    moved = None if at is None or _ms(at) == int(stream_id.partition("-")[0]) else _ms(at)
    return Entry(counter, stream_id, kind, json.loads(event), told, moved)


def _ms(moment: datetime) -> int:
    return round((moment - _EPOCH).total_seconds() * 1000)


def newest(entries: Sequence[Entry]) -> int:
    """The highest counter, 0 without entries."""
    return max((entry.counter for entry in entries), default=0)
