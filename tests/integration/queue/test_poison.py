"""Values that PostgreSQL refuses: kept out at intake, replaced in what is told of an attempt, else set apart alone."""

import json
import random
import string
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import asyncpg
import pytest

from event_broker.payload import read_payload
from event_queue.audit import EventStatus
from event_queue.codec import encode_event
from event_queue.errors import PayloadRefused
from event_queue.outcomes import Lease
from event_queue.payloads import validate_payload
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.redis_queue import RedisQueue
from event_queue.relay import OutboxRelay
from event_queue.testing.events import make_event

pytestmark = pytest.mark.integration

SOON = timedelta(seconds=60)
TRIALS = 200
POISON = {
    "a NUL": b'"\\u0000"',
    "half of a pair": b'"\\ud800"',
    "NaN": b"NaN",
    "an endless number": b"1" + b"0" * 140_000,
    "no text": b'"\xff\xfe\x80"',
    "half a letter": b'"\xc3"',
}


@pytest.fixture
async def audit(postgres_dsn: str) -> AsyncGenerator[PostgresAudit]:
    """The audit on PostgreSQL."""
    parts = urlsplit(postgres_dsn)
    address = PostgresAddress(
        host=parts.hostname or "", port=parts.port or 0, user=parts.username or "", database=parts.path.lstrip("/")
    )
    async with open_postgres(address) as audit:
        yield audit


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncGenerator[Any]:
    """A connection of the test's own."""
    connection: Any = await cast("Any", asyncpg).connect(postgres_dsn)
    yield connection
    await connection.close()


def relay_of(queue: RedisQueue, audit: PostgresAudit) -> OutboxRelay:
    async def no_pause(_: timedelta) -> None:
        """Nothing to wait for."""

    return OutboxRelay(queue.outbox, audit, now=lambda: datetime(2025, 6, 24, tzinfo=UTC), pause=no_pause)


async def slip_in(queue: RedisQueue, poison: bytes) -> bytes:
    """Write a record beside the queue's doors, as a bug of ours or somebody else's program would."""
    body = encode_event(make_event()).encode().replace(b'"data":{}', b'"data":{"note":' + poison + b"}")
    number = await queue.client.incr(queue.keys.counter)
    fields = {"n": number, "kind": "queued", "event": body, "details": "{}", "due": ""}
    await queue.client.xadd(queue.keys.outbox, fields)
    return body


@pytest.mark.parametrize("kind", POISON)
async def test_poison_in_the_outbox_is_set_apart_alone(
    redis_queue: RedisQueue, audit: PostgresAudit, database: Any, kind: str
) -> None:
    """The bad record is kept byte for byte in quarantine; those before and behind it are stored."""
    before, behind = make_event("DU1"), make_event("DU2")
    await redis_queue.intake.enqueue(before)
    body = await slip_in(redis_queue, POISON[kind])
    await redis_queue.intake.enqueue(behind)

    assert await relay_of(redis_queue, audit).drain(within=SOON)

    rows = [await audit.get_event(event.event_id) for event in (before, behind)]
    assert [row.status for row in rows if row] == [EventStatus.PENDING] * 2
    (quarantined,) = await database.fetch("SELECT counter, event FROM audit_quarantine")
    assert (quarantined["counter"], quarantined["event"]) == (2, body)
    assert await redis_queue.outbox.length() == 0


async def test_an_attempt_with_unspeakable_words_reaches_history(
    redis_queue: RedisQueue, lease: Lease, audit: PostgresAudit, database: Any
) -> None:
    """Whatever an error says, the event goes back to the line, and its history tells of it."""
    event = make_event()
    await redis_queue.intake.enqueue(event)
    await redis_queue.worker.claim(lease, "0")
    words = "order \x00 refused: \ud83d price \udcff"
    result = {"price": float("nan"), "note": "\x00"}

    await redis_queue.worker.requeue(lease, "0", event, pause=timedelta(), error=words, result=result)
    await relay_of(redis_queue, audit).drain(within=SOON)

    row = await audit.get_event(event.event_id)
    assert row is not None
    assert row.error_message == "order \ufffd refused: \ufffd price \ufffd"
    assert row.result == {"price": "nan", "note": "\ufffd"}
    assert await database.fetchval("SELECT count(*) FROM audit_quarantine") == 0


def anything(chance: random.Random, depth: int = 0) -> Any:
    """A value of any kind that Python's JSON can give, the odd ones often."""
    odd: list[Any] = [
        "\x00",
        "\ud800",
        "\udfff",
        float("nan"),
        float("inf"),
        10**310,
        -(10**299),
        1.5e-9,
        "",
        "\u202e",
        "\U0010ffff",
    ]
    makers: list[Callable[[], Any]] = [
        lambda: chance.choice(odd),
        lambda: "".join(chance.choices(string.printable + "é☃\x00\ud83d", k=chance.randint(0, 12))),
        lambda: chance.uniform(-1e9, 1e9),
        lambda: chance.choice([None, True, False, chance.randint(-9, 9)]),
    ]
    if depth < 4:
        makers.append(lambda: [anything(chance, depth + 1) for _ in range(chance.randint(0, 3))])
        makers.append(
            lambda: {str(anything(chance, 4)): anything(chance, depth + 1) for _ in range(chance.randint(0, 3))}
        )
    return chance.choice(makers)()


async def test_what_is_taken_in_is_stored(redis_queue: RedisQueue, audit: PostgresAudit, database: Any) -> None:
    """Of random payloads, each is refused at the door or stored by PostgreSQL unchanged; none ends in quarantine."""
    taken: dict[Any, dict[str, Any]] = {}
    for seed in range(TRIALS):
        chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        data = {"payload": anything(chance)}
        try:
            validate_payload(data)
        except PayloadRefused:
            continue
        event = make_event(f"DU{seed}", data=data)
        await redis_queue.intake.enqueue(event)
        taken[event.event_id] = data

    assert await relay_of(redis_queue, audit).drain(within=SOON)

    assert TRIALS // 4 < len(taken) < TRIALS
    rows = {event_id: await audit.get_event(event_id) for event_id in taken}
    assert {event_id: row.payload for event_id, row in rows.items() if row} == taken
    assert await database.fetchval("SELECT count(*) FROM audit_quarantine") == 0


async def test_what_a_message_carries_is_stored(redis_queue: RedisQueue, audit: PostgresAudit, database: Any) -> None:
    """The same for messages of Ably, whose text may be anything."""
    taken = 0
    for seed in range(TRIALS):
        chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        raw = chance.choice([json.dumps({"exec": "rebalance", "x": anything(chance)}), {"x": anything(chance)}])
        request = read_payload(raw)
        await redis_queue.intake.enqueue(make_event(f"DU{seed}", request.command, data=dict(request.data)))
        taken += 1

    assert await relay_of(redis_queue, audit).drain(within=SOON)

    assert await database.fetchval("SELECT count(*) FROM rebalance_events") == taken == TRIALS
    assert await database.fetchval("SELECT count(*) FROM audit_quarantine") == 0
