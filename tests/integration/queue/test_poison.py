"""Values that PostgreSQL refuses: kept out at intake, replaced in what is told of an attempt, else set apart alone."""

import json
import random
import string
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from event_broker.payload import read_payload
from event_queue.audit import EventStatus
from event_queue.codec import encode_event
from event_queue.errors import PayloadRefused
from event_queue.outbox_relief import OutboxRelief
from event_queue.outcomes import Lease
from event_queue.payloads import validate_payload
from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_queue import RedisQueue
from event_queue.spill import Spill
from event_queue.testing.events import make_event
from event_queue.testing.relays import relay_of

pytestmark = pytest.mark.integration

SOON = timedelta(seconds=60)
TRIALS = 200
POISON = {
    "a NUL": b'"\\u0000"',
    "half of a pair": b'"\\ud800"',
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "an endless number": b"1" + b"0" * 140_000,
    "no text": b'"\xff\xfe\x80"',
    "half a letter": b'"\xc3"',
}
ODD = (
    b"",
    b"",
    b"\x00",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"NaN",
    b"1e400",
    b"9" * 5000,
    b"[" * 3000,
    b'"',
    b"}",
    b"null",
)


async def write_beside(queue: RedisQueue, **changed: bytes) -> dict[str, Any]:
    """Write an entry beside the queue's doors, as a bug of ours or somebody else's program would; its fields."""
    number = await queue.client.incr(queue.keys.counter)
    good = {"n": number, "kind": "queued", "event": encode_event(make_event()), "details": "{}", "due": ""}
    fields = good | changed
    await queue.client.xadd(queue.keys.outbox, fields)
    return fields


async def slip_in(queue: RedisQueue, poison: bytes) -> bytes:
    """Write an entry whose event carries a poison; the event."""
    body = encode_event(make_event()).encode().replace(b'"data":{}', b'"data":{"note":' + poison + b"}")
    await write_beside(queue, event=body)
    return body


async def counters(database: Any) -> list[int]:
    """Every number that history or quarantine holds."""
    rows = await database.fetch(
        "SELECT counter FROM event_history UNION ALL SELECT counter FROM audit_quarantine ORDER BY counter"
    )
    return [row["counter"] for row in rows]


@pytest.mark.parametrize("kind", POISON)
async def test_poison_in_the_outbox_is_set_apart_alone(
    redis_queue: RedisQueue, audit: PostgresAudit, database: Any, kind: str
) -> None:
    """The bad record is kept byte for byte in quarantine; those before and behind it are stored."""
    before, behind = make_event("DU1"), make_event("DU2")
    await redis_queue.intake.enqueue(before)
    body = await slip_in(redis_queue, POISON[kind])
    await redis_queue.intake.enqueue(behind)

    assert await relay_of(redis_queue.outbox, audit).drain(within=SOON)

    rows = [await audit.get_event(event.event_id) for event in (before, behind)]
    assert [row.status for row in rows if row] == [EventStatus.PENDING] * 2
    (quarantined,) = await database.fetch("SELECT counter, event FROM audit_quarantine")
    assert (quarantined["counter"], quarantined["event"]) == (2, body)
    assert await redis_queue.outbox.length() == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"event": b"no event"},
        {"event": b'{"event_id": 7}'},
        {"event": b'{"event_id": "00000000-0000-4000-8000-000000000001", "account_id": 1.5}'},
        {"event": b"{}", "details": b'{"scope": 7}'},
        {"event": b"[" * 100_000 + b"]" * 100_000},
        {"event": b"\xff\xfe"},
        {"kind": b"unheard of"},
        {"kind": b"\x00"},
        {"details": b"", "due": b"1e400"},
        {"at": b"9" * 40},
    ],
    ids=lambda changed: ascii(changed)[:30],
)
async def test_an_entry_that_makes_no_sense_is_set_apart_alone(
    redis_queue: RedisQueue, audit: PostgresAudit, database: Any, changed: dict[str, bytes]
) -> None:
    """Its fields are kept in quarantine, the relay counts and names it, and what is behind it is stored."""
    before, behind = make_event("DU1"), make_event("DU2")
    await redis_queue.intake.enqueue(before)
    fields = await write_beside(redis_queue, **changed)
    await redis_queue.intake.enqueue(behind)
    relay = relay_of(redis_queue.outbox, audit)

    assert await relay.drain(within=SOON)

    (quarantined,) = await database.fetch("SELECT counter, kind, event FROM audit_quarantine")
    kept = json.loads(quarantined["event"].decode(errors="surrogateescape"))
    assert (quarantined["counter"], quarantined["kind"], relay.set_apart) == (2, "unreadable", 1)
    assert {name: kept[name].encode(errors="surrogateescape") for name in changed} == changed
    assert kept["n"] == str(fields["n"])
    assert [await audit.get_event(event.event_id) is not None for event in (before, behind)] == [True, True]


async def test_an_entry_that_makes_no_sense_goes_through_a_file_as_well(
    redis_queue: RedisQueue, audit: PostgresAudit, database: Any, tmp_path: Path
) -> None:
    """It neither stops the outbox from being relieved, nor the files from being brought back."""
    spill = Spill(tmp_path / "spill", host="here")
    await redis_queue.intake.enqueue(make_event("DU1"))
    await write_beside(redis_queue, event=b"\xff no event")
    await redis_queue.intake.enqueue(make_event("DU2"))
    relief = OutboxRelief(redis_queue.outbox, spill, budget_bytes=1)

    await relief.look()
    left = await redis_queue.outbox.length()

    assert (left, spill.records) == (0, 3)
    assert await relay_of(redis_queue.outbox, audit, spill=spill).drain(within=SOON)
    assert await counters(database) == [1, 2, 3]
    assert await database.fetchval("SELECT counter FROM audit_quarantine") == 2
    spill.close()


def spoilt(chance: random.Random, text: str) -> bytes:
    """The text with a few bytes cut out, or odd ones put in."""
    raw = text.encode()
    start = chance.randint(0, len(raw))
    end = min(len(raw), start + chance.randint(0, 9))
    return raw[:start] + chance.choice(ODD) + raw[end:]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_stands_in_the_outbox_the_rest_flows(
    redis_queue: RedisQueue, audit: PostgresAudit, database: Any, seed: int
) -> None:
    """Of entries spoilt at random, each is in history or in quarantine, once; every good one is in history."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    good: list[UUID] = []
    for number in range(TRIALS):
        if number % 4 == 0:
            event = make_event(f"DU{number}")
            good.append(event.event_id)
            await redis_queue.intake.enqueue(event)
        else:
            field = chance.choice(["kind", "event", "event", "event", "details"])
            body = {"kind": "queued", "event": encode_event(make_event()), "details": '{"error":"x"}'}[field]
            await write_beside(redis_queue, **{field: spoilt(chance, body)})

    assert await relay_of(redis_queue.outbox, audit, batch=70).drain(within=SOON)

    known = {row["event_id"] for row in await database.fetch("SELECT event_id FROM rebalance_events")}
    assert await counters(database) == list(range(1, TRIALS + 1))
    assert set(good) <= known
    assert await database.fetchval("SELECT count(*) FROM audit_quarantine") > TRIALS // 4
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
    await relay_of(redis_queue.outbox, audit).drain(within=SOON)

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

    assert await relay_of(redis_queue.outbox, audit).drain(within=SOON)

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

    assert await relay_of(redis_queue.outbox, audit).drain(within=SOON)

    assert await database.fetchval("SELECT count(*) FROM rebalance_events") == taken == TRIALS
    assert await database.fetchval("SELECT count(*) FROM audit_quarantine") == 0
