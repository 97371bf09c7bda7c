"""GET /metrics: what Prometheus reads, by the parser that Prometheus's own client brings."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from event_queue.components import ComponentReport, ComponentState
from event_queue.errors import QueueUnavailable
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue
from event_queue.testing.memory_audit import MemoryAudit

Series = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


class SilentRedis:
    """A Redis that does not answer."""

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: object) -> None:
            raise QueueUnavailable(name)

        return fail


async def scrape(client: httpx.AsyncClient) -> Series:
    """Every sample, by name and labels."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(answer.text)
    samples = [sample for family in families for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


def value(series: Series, name: str, **labels: str) -> float | None:
    """One sample's value; None when there is no such series."""
    return series.get((f"rebalancer_{name}", frozenset(labels.items())))


@pytest.fixture
def post(redis_queue: RedisQueue, now: datetime) -> Callable[..., Any]:
    """Have a part report, two seconds ago unless told otherwise."""

    async def report(name: str, *, age: int = 2, state: ComponentState = ComponentState.OK, **facts: Any) -> None:
        moment = now - timedelta(seconds=age)
        await redis_queue.components.report(ComponentReport(name, state, "", facts, moment))

    return report


async def test_the_queue_is_counted(
    client: httpx.AsyncClient, redis_queue: RedisQueue, lease: Lease, new_event: Callable[..., RebalanceEvent]
) -> None:
    """Each place apart, the oldest event's age, retries, and what PostgreSQL has not been told yet."""
    failing, working, waiting = (new_event(account) for account in ("DU1", "DU2", "DU3"))
    for event in (failing, working, waiting):
        await redis_queue.intake.enqueue(event)
    await redis_queue.worker.claim(lease, "0")
    await redis_queue.worker.requeue(lease, "0", failing, pause=timedelta(minutes=5), error="", result={})
    await redis_queue.worker.claim(lease, "0")

    found = await scrape(client)

    assert {name: value(found, f"queue_{name}") for name in ("length", "delayed", "in_flight", "active")} == {
        "length": 1,
        "delayed": 1,
        "in_flight": 1,
        "active": 3,
    }
    assert value(found, "queue_oldest_age_seconds") is not None
    assert (value(found, "events_with_retries"), value(found, "healthy")) == (1, 0)
    assert (value(found, "outbox_lag_records"), value(found, "redis_up"), value(found, "postgres_up")) == (6, 1, 1)


async def test_parts_tell_how_they_are(client: httpx.AsyncClient, post: Any, now: datetime) -> None:
    """Ably by channel, the gateway, the worker and its heartbeat, the relay's disk."""
    await post(
        "ably",
        state=ComponentState.DEGRADED,
        connection="connected",
        channels={"model-1": "attached", 'odd "\\\n\ud800': "failed"},
        last_message_at=now.isoformat(),
        backlog=4,
        gaps={"model-1": {}},
    )
    await post("gateway", connected=True, read_only=True, last_heard_at=now.isoformat())
    await post("worker", age=7, in_hand=[{"age_seconds": 3.5}, {"age_seconds": 70.5}])
    await post("relay", spilled_records=10, outbox_bytes=1000, budget_bytes=4000)

    found = await scrape(client)

    assert value(found, "ably_connected") == value(found, "ably_gaps") == 1
    assert value(found, "ably_channel_state", channel="model-1", state="attached") == 1
    assert value(found, "ably_channel_state", channel='odd "\\\n\ufffd', state="failed") == 1
    assert value(found, "ably_last_message_timestamp_seconds") == now.timestamp()
    assert (value(found, "ably_backlog"), value(found, "outbox_lag_records")) == (4, 10)
    assert value(found, "gateway_connected") == value(found, "gateway_read_only") == 1
    assert value(found, "gateway_last_heard_timestamp_seconds") == now.timestamp()
    assert (value(found, "worker_in_hand"), value(found, "worker_oldest_in_hand_age_seconds")) == (2, 77.5)
    assert value(found, "component_heartbeat_age_seconds", component="worker") == 7
    assert value(found, "component_state", component="ably", state="degraded") == 1
    assert value(found, "component_state", component="ably", state="ok") == 0
    assert (value(found, "outbox_bytes"), value(found, "outbox_budget_bytes")) == (1000, 4000)


async def test_a_part_that_fell_silent_claims_nothing(client: httpx.AsyncClient, post: Any) -> None:
    """What it said last is not told as the present; how long it has been silent is."""
    await post("gateway", age=60, connected=True, last_heard_at="2023-12-01T09:00:00+00:00")
    await post("worker", age=60, in_hand=[{"age_seconds": 1}])

    found = await scrape(client)

    assert value(found, "gateway_connected") == value(found, "ably_connected") == 0
    assert value(found, "gateway_last_heard_timestamp_seconds") is None
    assert value(found, "worker_in_hand") is None
    assert value(found, "component_heartbeat_age_seconds", component="worker") == 60
    assert value(found, "component_state", component="worker", state="unknown") == 1


STRANGE: list[dict[str, Any]] = [{}, {"in_hand": None, "channels": "x"}, {"in_hand": [1, {}], "channels": {"a": 1}}]


@pytest.mark.parametrize("facts", STRANGE)
async def test_words_of_another_version_break_no_scrape(
    client: httpx.AsyncClient, post: Any, facts: Mapping[str, Any]
) -> None:
    """Facts that are missing or of another shape are left out."""
    for part in ("ably", "gateway", "worker", "relay"):
        await post(part, **facts, last_heard_at=5, last_message_at="yesterday", spilled_records="many", backlog=None)

    found = await scrape(client)

    assert value(found, "redis_up") == 1
    assert value(found, "gateway_last_heard_timestamp_seconds") is None
    assert value(found, "ably_backlog") is None


async def test_without_both_stores_a_scrape_still_answers(connect: Any, audit: MemoryAudit) -> None:
    """200, with 0 for each, and no number that nobody knows."""
    audit.available = False
    silent = SilentRedis()

    found = await scrape(connect(admin=silent, board=silent, trading=silent))

    assert value(found, "redis_up") == value(found, "postgres_up") == value(found, "healthy") == 0
    assert value(found, "gateway_connected") == value(found, "ably_connected") == 0
    assert value(found, "queue_length") is None
    assert value(found, "outbox_lag_records") is None
    assert value(found, "build_info", **build_labels(found)) == 1


def build_labels(found: Series) -> dict[str, str]:
    return next(dict(labels) for name, labels in found if name == "rebalancer_build_info")


async def test_the_build_is_named(client: httpx.AsyncClient) -> None:
    """Versions of the service and of Python."""
    assert set(build_labels(await scrape(client))) == {"version", "python"}


async def test_requests_are_counted_by_route(client: httpx.AsyncClient, new_event: Callable[..., Any]) -> None:
    """Ids, wrong paths and invented methods make no series of their own."""
    for _ in range(3):
        await client.get(f"/queue/events/{new_event().event_id}")
        await client.get(f"/nowhere/{new_event().event_id}")
    await client.get("/queue/events?limit=0")
    await client.request("BREW", "/health")
    await client.get("/openapi.json")

    found = await scrape(client)

    counted = {labels: number for (name, labels), number in found.items() if name == "rebalancer_http_requests_total"}
    assert counted == {
        frozenset({("method", method), ("route", route), ("status", status)}): times
        for method, route, status, times in [
            ("GET", "/queue/events/{event_id}", "404", 3),
            ("GET", "other", "404", 3),
            ("GET", "/queue/events", "422", 1),
            ("other", "/health", "405", 1),
            ("GET", "/openapi.json", "200", 1),
        ]
    }
    assert value(found, "http_request_duration_seconds_count", method="GET", route="/queue/events") == 1
    assert value(found, "http_request_duration_seconds_bucket", method="GET", route="/queue/events", le="+Inf") == 1


async def test_scrapes_themselves_are_counted(client: httpx.AsyncClient) -> None:
    """From the second one on, and each application counts its own."""
    await scrape(client)

    found = await scrape(client)

    assert value(found, "http_requests_total", method="GET", route="/metrics", status="200") == 1


async def test_refusals_of_guessers_are_counted(connect: Any) -> None:
    """Each 429 that a wrong key got."""
    guesser = connect(key="wrong")
    statuses = [(await guesser.delete("/trading/pauses/all")).status_code for _ in range(23)]

    found = await scrape(guesser)

    assert statuses.count(429) == 3
    assert value(found, "key_throttle_refusals_total") == 3
    assert value(found, "http_requests_total", method="DELETE", route="/trading/pauses/{scope}", status="429") == 3


async def test_however_much_happens_there_are_no_more_series(
    client: httpx.AsyncClient, redis_queue: RedisQueue, new_event: Callable[..., RebalanceEvent]
) -> None:
    """A hundred events and a hundred wrong paths leave as many series as one."""

    async def happen(number: int) -> None:
        await redis_queue.intake.enqueue(new_event(f"DU{number}"))
        await client.get(f"/nowhere/{number}")
        await client.get(f"/queue/events/{number}")

    await happen(0)
    await scrape(client)
    few = await scrape(client)
    for number in range(1, 100):
        await happen(number)

    many = await scrape(client)

    assert set(many) == set(few)
