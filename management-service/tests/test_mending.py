"""Operators rebuild and resync the queue over HTTP: shown first, done with the key, repeated without harm."""

from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest

from event_queue.components import ComponentReport, ComponentState
from event_queue.known_run import KnownRun
from event_queue.mender import Mender
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.redis_queue import RedisQueue
from event_queue.testing.lost_redis import carry, copy_of, go_back
from event_queue.wary_intake import WaryIntake

Connect = Callable[..., httpx.AsyncClient]
NOW = datetime(2023, 12, 1, 10, 0, 0, tzinfo=UTC)


@pytest.fixture
async def history(postgres_dsn: str) -> AsyncGenerator[PostgresAudit]:
    """The audit on PostgreSQL."""
    parts = urlsplit(postgres_dsn)
    address = PostgresAddress(
        host=parts.hostname or "", port=parts.port or 0, user=parts.username or "", database=parts.path.lstrip("/")
    )
    async with open_postgres(address) as audit:
        yield audit


@pytest.fixture
def client(connect: Connect, redis_queue: RedisQueue, history: PostgresAudit) -> httpx.AsyncClient:
    """A client with the key, of a service that has both stores."""
    mender = Mender(redis_queue.mending, history.past)
    intake = WaryIntake(redis_queue.intake, mender, KnownRun())
    return connect(audit=history, mender=mender, intake=intake)


async def add(client: httpx.AsyncClient, account_id: str = "DU123456") -> httpx.Response:
    return await client.post("/queue/events", json={"account_id": account_id, "exec_command": "rebalance"})


async def test_an_emptied_queue_is_closed_shown_and_rebuilt(
    client: httpx.AsyncClient, redis_queue: RedisQueue, history: PostgresAudit
) -> None:
    """A twin is refused before and after; a dry run changes nothing; what came back says so."""
    event_id = (await add(client)).json()["event_id"]
    await carry(redis_queue, history)
    await go_back(redis_queue.client, {})

    closed = await add(client)
    shown = (await client.post("/queue/rebuild", params={"dry_run": True})).json()
    nothing = (await client.get("/queue/events")).json()
    done = (await client.post("/queue/rebuild")).json()
    twin = await add(client)
    again = await client.post("/queue/rebuild")
    event = (await client.get(f"/queue/events/{event_id}")).json()

    assert (closed.status_code, closed.json()["type"]) == (503, "urn:problem:rebalancer:queue-closed")
    assert (shown["verdict"], shown["done"], shown["counts"]) == ("redis_lost", False, {"returns": 1})
    assert shown["kept"] == done["kept"]
    assert shown["kept"] == {
        "message_receipts": 0,
        "event_receipts": 1,
        "fill_receipts": 0,
        "traded_events": 0,
        "trading_days": 0,
        "channels": 0,
    }
    assert nothing == []
    assert (done["done"], [each["event_id"] for each in done["events"]]) == (True, [event_id])
    assert (twin.status_code, twin.json()["active_event_id"]) == (409, event_id)
    assert again.status_code == 409
    assert (event["recovered"], event["status"], event["times_queued"]) == (True, "waiting", 1)


async def test_a_queue_that_went_back_is_resynced(
    client: httpx.AsyncClient, redis_queue: RedisQueue, history: PostgresAudit
) -> None:
    """What was lost comes back; a rebuild is refused, because Redis is not empty, unless it is asked for."""
    await add(client)
    old = await copy_of(redis_queue.client)
    lost = (await add(client, "DU789012")).json()["event_id"]
    await carry(redis_queue, history)
    await go_back(redis_queue.client, old)

    refused = await client.post("/queue/rebuild")
    forced = (await client.post("/queue/rebuild", params={"force": True, "dry_run": True})).json()
    done = (await client.post("/queue/resync")).json()
    again = (await client.post("/queue/resync")).json()

    assert refused.status_code == 409
    assert "resync" in refused.json()["detail"]
    assert [each["event_id"] for each in forced["events"]] == [lost]
    assert (done["verdict"], done["done"], done["counts"]) == ("redis_went_back", True, {"returns": 1})
    assert (again["verdict"], again["done"], again["events"], again["kept"]) == ("agrees", False, [], None)


async def test_a_loss_shows_in_health_while_nobody_else_tells_of_it(
    client: httpx.AsyncClient, redis_queue: RedisQueue, history: PostgresAudit
) -> None:
    """Without an event-broker a Redis that was emptied looks like a new one, and one that went back like any other."""
    await add(client)
    old = await copy_of(redis_queue.client)
    await add(client, "DU789012")
    whole = await client.get("/health")
    await carry(redis_queue, history)
    await go_back(redis_queue.client, old)
    back = await client.get("/health")
    await go_back(redis_queue.client, {})
    emptied = await client.get("/health")
    await client.post("/queue/rebuild")
    rebuilt = await client.get("/health")

    told = [(answer.status_code, answer.json()["components"]["history"]) for answer in (back, emptied)]
    assert [(status, part["status"], part["verdict"]) for status, part in told] == [
        (503, "down", "redis_went_back"),
        (503, "down", "redis_lost"),
    ]
    assert all("is event-broker running?" in part["detail"] for _, part in told)
    assert [(each.status_code, each.json()["components"]["history"]["status"]) for each in (whole, rebuilt)] == [
        (200, "unknown")
    ] * 2


async def test_whoever_compares_the_stores_is_believed(
    client: httpx.AsyncClient, redis_queue: RedisQueue, history: PostgresAudit, now: datetime
) -> None:
    """It may just be putting right what this service would see."""
    await add(client)
    await carry(redis_queue, history)
    await go_back(redis_queue.client, {})
    await redis_queue.components.report(ComponentReport("history", ComponentState.OK, "Starting.", {}, now))

    answer = await client.get("/health")

    assert (answer.status_code, answer.json()["components"]["history"]["detail"]) == (200, "Starting.")


@pytest.mark.parametrize("asked", ["resync?dryrun=true", "resync?force=true", "rebuild?dry_run=false&dry_run=true"])
async def test_a_misspelt_dry_run_changes_nothing(
    client: httpx.AsyncClient, redis_queue: RedisQueue, history: PostgresAudit, asked: str
) -> None:
    """What was meant to be looked at must not be done: 422 names the parameter, and the queue stays as it was."""
    await add(client)
    await carry(redis_queue, history)
    await go_back(redis_queue.client, {})

    refused = await client.post(f"/queue/{asked}")

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] in asked
    assert (await client.get("/queue/events")).json() == []


async def test_records_on_disk_come_first(client: httpx.AsyncClient, redis_queue: RedisQueue) -> None:
    """As long as the relay reports spilled records history is not complete, and nothing is mended by it."""
    report = ComponentReport("relay", ComponentState.DEGRADED, "", {"spilled_records": 7}, NOW)
    await redis_queue.components.report(report)

    refused = await client.post("/queue/resync")

    assert (refused.status_code, refused.json()["type"]) == (409, "urn:problem:rebalancer:cannot-mend")
    assert "7 records on disk" in refused.json()["detail"]


async def test_a_first_start_takes_events_in(client: httpx.AsyncClient) -> None:
    """Neither store holds anything, so nothing can have been lost."""
    assert (await add(client)).status_code == 201


async def test_the_key_is_needed(connect: Connect) -> None:
    """Even for looking: a dry run reads every event."""
    client = connect(key=None)

    assert (await client.post("/queue/resync", params={"dry_run": True})).status_code == 401


async def test_an_event_of_the_queue_itself_is_not_marked(client: httpx.AsyncClient) -> None:
    """Only what came back says that it did; documents of lists stay as they were."""
    event_id = (await add(client)).json()["event_id"]

    assert (await client.get(f"/queue/events/{event_id}")).json()["recovered"] is False
    assert "recovered" not in (await client.get("/queue/events")).json()[0]
