"""GET /events on a real PostgreSQL: whole, while it grows, and while it does not answer."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from event_queue.events import Command, RebalanceEvent
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.redis_queue import RedisQueue
from event_queue.testing.postgres_server import running_postgres

pytestmark = pytest.mark.integration

MOMENT = datetime(2026, 1, 2, 15, 0, tzinfo=UTC)
ENOUGH = timedelta(milliseconds=1)
NEW = {"account_id": "DU123456", "exec_command": "rebalance"}


def address_of(dsn: str) -> PostgresAddress:
    place = urlsplit(dsn)
    return PostgresAddress(
        host=str(place.hostname),
        port=place.port or 0,
        database=place.path.removeprefix("/"),
        user="postgres",
        password="postgres",
    )


@pytest.fixture
async def client(open_api: Any, audit: PostgresAudit) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the API that reads this history."""
    async with open_api(audit=audit) as live, live.client() as client:
        yield client


@pytest.fixture
def schema(pytestconfig: pytest.Config) -> str:
    """The tables of the history."""
    return (pytestconfig.rootpath / "init.sql").read_text("utf-8")


async def happen(queue: RedisQueue, audit: PostgresAudit, accounts: list[str], created: datetime) -> None:
    """Events of these accounts, all of one moment, reach the history."""
    for account in accounts:
        event = RebalanceEvent.new(account_id=account, exec_command=Command.REBALANCE, source="api", now=created)
        await queue.intake.enqueue(event)
    records = await queue.outbox.read((await audit.cursor()).stream_id, limit=1000, block=ENOUGH)
    await audit.append(records)


async def test_pages_are_whole_while_the_history_grows(
    client: httpx.AsyncClient, redis_queue: RedisQueue, audit: PostgresAudit
) -> None:
    """Many events of one moment, newer ones between any two pages: each of the first is told once, in order."""
    first = [f"DUA{number}" for number in range(45)]
    await happen(redis_queue, audit, first, MOMENT)
    listed: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while cursor or not listed:
        page = (await client.get("/events", params={"limit": "10", **cursor})).json()
        listed += page["events"]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        newer = MOMENT + timedelta(seconds=len(listed))
        await happen(redis_queue, audit, [f"DUB{len(listed)}{number}" for number in range(7)], newer)

    assert sorted(event["account_id"] for event in listed) == sorted(first)
    assert [event["event_id"] for event in listed] == sorted((event["event_id"] for event in listed), reverse=True)


async def test_filters_are_postgresqls_own(
    client: httpx.AsyncClient, redis_queue: RedisQueue, audit: PostgresAudit
) -> None:
    """The time by microseconds, inclusive at its beginning alone; every filter together; the ends of the calendar."""
    await happen(redis_queue, audit, ["DU1", "DU2"], MOMENT)
    await happen(redis_queue, audit, ["DU3"], MOMENT + timedelta(microseconds=1))
    asked = [
        {"from": "2026-01-02T15:00:00.000001Z"},
        {"to": "2026-01-02T16:00:00.000001+01:00", "account": "DU2"},
        {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59.999999Z", "status": "pending"},
        {"command": "rebalance", "status": "completed"},
    ]

    found = [(await client.get("/events", params=parameters)).json()["events"] for parameters in asked]

    assert [sorted(event["account_id"] for event in events) for events in found] == [
        ["DU3"],
        ["DU2"],
        ["DU1", "DU2", "DU3"],
        [],
    ]


async def test_a_postgres_that_hangs_or_is_gone_holds_up_nobody_else(
    open_api: Any, redis_queue: RedisQueue, schema: str
) -> None:
    """Readers of the history get 503 in the end; others are served meanwhile; afterwards all is as before."""
    with running_postgres() as server:
        dsn = await server.create_database(schema)
        async with open_postgres(address_of(dsn)) as audit, open_api(audit=audit) as live, live.client() as client:
            await happen(redis_queue, audit, ["DU1"], MOMENT)
            before = await client.get("/events")
            server.freeze()
            readers = [asyncio.create_task(client.get("/events")) for _ in range(30)]
            others = [await client.get(path) for path in ("/queue/status", "/queue/events", "/health/ready")]
            others.append(await client.post("/queue/events", json=NEW))
            waited_for = [reader for reader in readers if reader.done()]
            metrics = await client.get("/metrics")
            hung, _ = await asyncio.wait(readers, timeout=60, return_when=asyncio.FIRST_COMPLETED)
            server.thaw()
            await asyncio.to_thread(server.kill)
            gone = await client.get("/events")
            await asyncio.to_thread(server.start)
            await asyncio.gather(*readers)
            again = await client.get("/events")

    assert [answer.status_code for answer in others] == [200, 200, 200, 201]
    assert waited_for == []
    assert "\nrebalancer_postgres_up 0.0\n" in metrics.text
    assert "\nrebalancer_redis_up 1.0\n" in metrics.text
    assert {reader.result().status_code for reader in hung} == {gone.status_code} == {503}
    assert gone.json()["type"] == "urn:problem:rebalancer:history-unavailable"
    assert again.json() == before.json()
