"""GET /health: the verdict, and the breakdown by part."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from event_queue.components import ComponentReport, ComponentState
from event_queue.errors import CorruptQueue, QueueUnavailable
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.testing.memory_audit import MemoryAudit
from event_queue.testing.redis_server import running_redis

PARTS = ("ably", "gateway", "worker", "relay", "history", "manual_files")
NewEvent = Callable[..., RebalanceEvent]


class SilentQueue:
    """A queue admin and board whose Redis does not answer, or answers nonsense."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: object) -> None:
            raise self._error

        return fail


def report(
    name: str, moment: datetime, state: ComponentState = ComponentState.OK, *, process: str = "", **facts: Any
) -> ComponentReport:
    return ComponentReport(name, state, f"{name} speaks", facts, moment, process)


@pytest.fixture
async def all_well(redis_queue: RedisQueue, now: datetime) -> None:
    """Every part reported two seconds ago that it is well."""
    for name in PARTS:
        await redis_queue.components.report(report(name, now - timedelta(seconds=2), version=1))


async def retry_one(redis_queue: RedisQueue, lease: Lease, event: RebalanceEvent) -> None:
    await redis_queue.intake.enqueue(event)
    await redis_queue.worker.claim(lease, "0")
    await redis_queue.worker.requeue(lease, "0", event, pause=timedelta(minutes=5), error="no gateway", result={})


@pytest.mark.usefixtures("all_well")
async def test_a_system_without_retries_is_healthy(client: httpx.AsyncClient) -> None:
    """The documents' answer, word for word, with the parts beside it."""
    answer = await client.get("/health")

    health = answer.json()
    assert answer.status_code == 200
    assert set(health.pop("components")) == {"redis", "postgres", "trading", *PARTS}
    assert health == {
        "status": "healthy",
        "healthy": True,
        "events_with_retries": 0,
        "message": "No events require retry",
    }


@pytest.mark.usefixtures("all_well")
async def test_a_part_shows_its_facts_beside_its_state(client: httpx.AsyncClient) -> None:
    """What a part reported stands with its age."""
    components = (await client.get("/health")).json()["components"]

    assert components["gateway"] == {"status": "ok", "detail": "gateway speaks", "age_seconds": 2, "version": 1}


async def test_what_is_in_hand_grows_older_while_its_report_waits(
    client: httpx.AsyncClient, redis_queue: RedisQueue, now: datetime
) -> None:
    """The age is that of now, not that of the report; what another version lists is left as it is."""
    in_hand = [{"event_id": "e1", "age_seconds": 1.5}, {"event_id": "e2"}, "e3"]
    await redis_queue.components.report(report("worker", now - timedelta(seconds=4), in_hand=in_hand))

    worker = (await client.get("/health")).json()["components"]["worker"]

    assert worker["in_hand"] == [{"event_id": "e1", "age_seconds": 5.5}, {"event_id": "e2"}, "e3"]


async def test_facts_cannot_hide_the_state(client: httpx.AsyncClient, redis_queue: RedisQueue, now: datetime) -> None:
    """A fact called `status` does not replace the part's own."""
    await redis_queue.components.report(report("gateway", now, ComponentState.DOWN, status="ok"))

    components = (await client.get("/health")).json()["components"]

    assert components["gateway"]["status"] == "down"


@pytest.mark.usefixtures("all_well")
async def test_a_retried_event_makes_the_system_unhealthy(
    client: httpx.AsyncClient, redis_queue: RedisQueue, lease: Lease, new_event: NewEvent
) -> None:
    """One event queued more than once is enough, until it ends."""
    event = new_event()
    await retry_one(redis_queue, lease, event)

    sick = await client.get("/health")
    await client.delete(f"/queue/events/{event.event_id}")
    cured = await client.get("/health")

    assert sick.status_code == 503
    assert sick.json() | {"components": None} == {
        "status": "unhealthy",
        "healthy": False,
        "events_with_retries": 1,
        "message": "1 event is being retried",
        "components": None,
    }
    assert cured.status_code == 200


@pytest.mark.usefixtures("all_well")
async def test_two_retried_events_are_counted(
    client: httpx.AsyncClient, redis_queue: RedisQueue, lease: Lease, new_event: NewEvent
) -> None:
    """The message counts in words that fit."""
    await retry_one(redis_queue, lease, new_event())
    await retry_one(redis_queue, lease, new_event("DU789012"))

    assert (await client.get("/health")).json()["message"] == "2 events are being retried"


@pytest.mark.usefixtures("all_well")
async def test_a_part_that_is_down_is_in_the_message_but_not_in_the_verdict(
    client: httpx.AsyncClient, redis_queue: RedisQueue, now: datetime
) -> None:
    """The verdict is about retries and halts; the message names the part that is not well."""
    await redis_queue.components.report(report("gateway", now, ComponentState.DOWN))

    answer = await client.get("/health")

    assert answer.status_code == 200
    assert answer.json()["message"] == "No events require retry; gateway is down: gateway speaks"


@pytest.mark.usefixtures("all_well")
async def test_a_halted_queue_makes_the_system_unhealthy(client: httpx.AsyncClient, redis_queue: RedisQueue) -> None:
    """A probe that reads nothing but the code of the answer learns that nothing is traded, until it is again."""
    await redis_queue.mending.halt("halted Redis went back in time")

    sick = await client.get("/health")
    await redis_queue.mending.reopen("this run", halt="halted Redis went back in time")
    cured = await client.get("/health")

    assert sick.status_code == 503
    assert sick.json()["status"] == "unhealthy"
    assert sick.json()["message"] == "Nothing is traded (halted Redis went back in time); No events require retry"
    assert cured.status_code == 200


@pytest.mark.parametrize(("age", "status"), [(0, "ok"), (15, "ok"), (16, "unknown"), (-5, "ok")])
async def test_a_part_that_fell_silent_is_unknown(
    client: httpx.AsyncClient, redis_queue: RedisQueue, now: datetime, age: int, status: str
) -> None:
    """After fifteen seconds without a report nothing is known; a clock slightly ahead does no harm."""
    await redis_queue.components.report(report("worker", now - timedelta(seconds=age)))

    worker = (await client.get("/health")).json()["components"]["worker"]

    assert worker["status"] == status
    assert worker["age_seconds"] == max(age, 0)


@pytest.mark.parametrize("last", ["a:1", "b:2"])
async def test_of_two_that_speak_of_a_part_the_worse_is_believed_whoever_spoke_last(
    client: httpx.AsyncClient, redis_queue: RedisQueue, now: datetime, last: str
) -> None:
    """In a rolling restart one listens and the other connects: the answer does not change from second to second."""
    states = {"a:1": ComponentState.DEGRADED, "b:2": ComponentState.OK}
    for process in sorted(states, key=lambda each: each == last):
        await redis_queue.components.report(report("ably", now, states[process], process=process, speaker=process))

    ably = (await client.get("/health")).json()["components"]["ably"]

    assert (ably["status"], ably["speaker"]) == ("degraded", "a:1")
    assert ably["detail"] == "a:1, one of 2 processes, says: ably speaks"
    assert {name: each["status"] for name, each in ably["processes"].items()} == {"a:1": "degraded", "b:2": "ok"}


@pytest.mark.parametrize(("ages", "expected"), [((16, 1), ("ok", 1)), ((16, 90), ("unknown", 16))])
async def test_one_that_has_ended_is_not_waited_for_beside_another(
    client: httpx.AsyncClient, redis_queue: RedisQueue, now: datetime, ages: tuple[int, int], expected: tuple[str, int]
) -> None:
    """What it said last is over; where all are silent, the one that spoke last is asked for."""
    ended, other = (timedelta(seconds=age) for age in ages)
    await redis_queue.components.report(report("ably", now - ended, ComponentState.DOWN, process="a:1"))
    await redis_queue.components.report(report("ably", now - other, process="b:2"))

    ably = (await client.get("/health")).json()["components"]["ably"]

    assert (ably["status"], ably["age_seconds"]) == expected
    assert "processes" not in ably


async def test_a_report_from_the_future_is_no_sign_of_life(
    client: httpx.AsyncClient, redis_queue: RedisQueue, now: datetime
) -> None:
    """After a clock went back by an hour, a dead service would otherwise look alive for that hour."""
    await redis_queue.components.report(report("worker", now + timedelta(hours=1)))

    worker = (await client.get("/health")).json()["components"]["worker"]

    assert (worker["status"], worker["age_seconds"]) == ("unknown", None)
    assert "do the clocks agree" in worker["detail"]


@pytest.mark.parametrize(
    ("part", "service"),
    [
        ("ably", "event-broker"),
        ("gateway", "event-processor"),
        ("worker", "event-processor"),
        ("relay", "event-broker"),
        ("history", "event-broker"),
        ("manual_files", "event-broker"),
    ],
)
async def test_a_part_that_never_spoke_names_the_service_to_look_at(
    client: httpx.AsyncClient, part: str, service: str
) -> None:
    """An operator learns which service is missing."""
    told = (await client.get("/health")).json()["components"][part]

    assert told == {"status": "unknown", "detail": f"has never reported: is {service} running?", "age_seconds": None}


@pytest.mark.usefixtures("all_well")
async def test_postgres_may_be_down_while_the_system_is_healthy(client: httpx.AsyncClient, audit: MemoryAudit) -> None:
    """Trading does not wait for the history; the message says that it is missing."""
    audit.available = False

    health = (await client.get("/health")).json()

    assert health["status"] == "healthy"
    assert health["components"]["postgres"]["status"] == "down"
    assert "postgres is down" in health["message"]


async def test_records_waiting_for_postgres_are_counted(
    client: httpx.AsyncClient, redis_queue: RedisQueue, new_event: NewEvent
) -> None:
    """The backlog of the relay stands with PostgreSQL."""
    await redis_queue.intake.enqueue(new_event())

    components = (await client.get("/health")).json()["components"]

    assert components["postgres"]["lag_records"] == 1
    assert components["postgres"]["lag_seconds"] in range(60)


async def test_what_waits_on_disk_counts_too(
    client: httpx.AsyncClient, redis_queue: RedisQueue, new_event: NewEvent, now: datetime
) -> None:
    """The relay knows how much was moved there and since when; a history that far behind is degraded."""
    await redis_queue.intake.enqueue(new_event())
    await redis_queue.components.report(report("relay", now, spilled_records=41, lag_seconds=300.5))

    postgres = (await client.get("/health")).json()["components"]["postgres"]

    assert (postgres["lag_records"], postgres["lag_seconds"]) == (42, 300)
    assert postgres["status"] == "degraded"
    assert "300 s behind" in postgres["detail"]


@pytest.mark.parametrize("error", [QueueUnavailable("no answer from 10.0.0.7"), CorruptQueue("key x is a set")])
async def test_without_redis_the_answer_is_an_error(connect: Any, error: Exception) -> None:
    """Nothing is counted, nothing internal is told, and the other parts are unknown rather than silent."""
    silent = SilentQueue(error)

    answer = await connect(admin=silent, board=silent).get("/health")

    health = answer.json()
    assert answer.status_code == 503
    assert (health["status"], health["healthy"], health["events_with_retries"]) == ("error", False, None)
    assert health["message"].startswith("The queue cannot be checked; redis is down")
    assert health["components"]["worker"]["detail"] == "its reports stand in Redis and could not be read"
    assert str(error) not in answer.text


@pytest.mark.parametrize("key", ["queue", "components", "paused", "progress"])
async def test_a_damaged_key_is_named(client: httpx.AsyncClient, redis_queue: RedisQueue, key: str) -> None:
    """Redis runs, so nobody is sent to start it: the key is named, whoever of the parts needs it."""
    name: str = getattr(redis_queue.keys, key)
    await redis_queue.client.set(name, "x")

    health = (await client.get("/health")).json()
    metrics = await client.get("/metrics")

    assert health["components"]["redis"]["status"] == "down"
    assert f"key {name} is a string and must be a" in health["components"]["redis"]["detail"]
    assert health["components"]["redis"]["detail"] in health["message"]
    assert "check that Redis runs" not in health["message"]
    assert "\nrebalancer_redis_up 0.0\n" in metrics.text


async def test_a_redis_that_may_lose_events_is_degraded(connect: Any, redis_queue: RedisQueue) -> None:
    """What its settings put at risk is said in words."""
    client: Any = redis_queue.client
    await client.config_set("appendfsync", "everysec")

    redis = (await connect().get("/health")).json()["components"]["redis"]

    await client.config_set("appendfsync", "always")
    assert redis["status"] == "degraded"
    assert len(redis["durability_warnings"]) == 1
    assert "appendfsync=everysec" in redis["detail"]


@pytest.mark.parametrize(("history", "status"), [(ComponentState.DEGRADED, 503), (ComponentState.OK, 200)])
@pytest.mark.usefixtures("all_well")
async def test_a_relay_that_stops_live_runs_makes_the_system_unhealthy(
    client: httpx.AsyncClient, redis_queue: RedisQueue, now: datetime, history: ComponentState, status: int
) -> None:
    """Until whoever compares Redis with history knows that they agree, as the worker sees it."""
    await redis_queue.components.report(report("relay", now, ComponentState.DOWN))
    await redis_queue.components.report(report("history", now, history))

    answer = await client.get("/health")

    assert answer.status_code == status
    assert "relay is down" in answer.json()["message"]


@pytest.mark.usefixtures("all_well")
async def test_a_redis_that_takes_no_writes_makes_the_system_unhealthy(connect: Any, redis_queue: RedisQueue) -> None:
    """It answers, but no event can be taken in or ended: a probe learns of it, and why."""
    client: Any = redis_queue.client
    await client.config_set("min-replicas-to-write", 1)

    sick = await connect().get("/health")
    metrics = await connect().get("/metrics")

    await client.config_set("min-replicas-to-write", 0)
    cured = await connect().get("/health")
    redis = sick.json()["components"]["redis"]
    assert (sick.status_code, sick.json()["status"], redis["status"]) == (503, "unhealthy", "down")
    assert "min-replicas-to-write" in redis["refusals"][0]
    assert redis["detail"] in sick.json()["message"]
    assert {"rebalancer_redis_up 0.0", "rebalancer_healthy 0.0"} <= set(metrics.text.splitlines())
    assert cured.status_code == 200


@pytest.mark.parametrize(("age", "status"), [(60, 200), (61, 503), (-61, 503)])
@pytest.mark.usefixtures("all_well")
async def test_a_part_that_is_silent_for_long_makes_the_system_unhealthy(
    client: httpx.AsyncClient, redis_queue: RedisQueue, now: datetime, age: int, status: int
) -> None:
    """A restart takes less than a minute; after that nobody does its work, and a probe learns of it."""
    await redis_queue.components.report(report("worker", now - timedelta(seconds=age)))

    answer = await client.get("/health")

    assert answer.status_code == status
    assert "worker is unknown" in answer.json()["message"]


async def test_a_part_that_fell_silent_when_redis_was_emptied_is_missed(
    client: httpx.AsyncClient, redis_queue: RedisQueue, now: datetime
) -> None:
    """Nobody is left in Redis who has ever reported, and yet its queue waits for the event-broker."""
    await redis_queue.components.report(report("history", now - timedelta(seconds=61)))
    await redis_queue.components.report(report("worker", now))
    await client.get("/health")

    await redis_queue.client.flushall()
    await redis_queue.components.report(report("worker", now, version=2))
    answer = await client.get("/health")

    components = answer.json()["components"]
    assert answer.status_code == 503
    assert components["history"]["detail"].startswith("last heard of 61 s ago: is event-broker running?")
    assert components["worker"]["version"] == 2
    assert components["ably"]["detail"].startswith("has never reported")


@pytest.mark.usefixtures("all_well")
async def test_a_part_that_no_service_speaks_for_makes_nobody_ill(
    client: httpx.AsyncClient, redis_queue: RedisQueue, now: datetime
) -> None:
    """What an older version reported stays in Redis for ever."""
    await redis_queue.components.report(report("bygone", now - timedelta(days=1)))

    assert (await client.get("/health")).status_code == 200


async def test_probes_tell_a_live_process_from_a_ready_one(connect: Any) -> None:
    """Without Redis the process lives, but is not ready."""
    silent = SilentQueue(QueueUnavailable("no answer"))
    client = connect(admin=silent, board=silent)

    assert (await client.get("/health/live")).json() == {"status": "alive"}
    assert (await client.get("/health/ready")).status_code == 503


Setting = tuple[str, ...]
SET: Setting = ("CONFIG", "SET")
READ_ONLY: list[tuple[str, Setting, Setting]] = [
    ("read-only replica", ("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    ("min-replicas-to-write", (*SET, "min-replicas-to-write", "1"), (*SET, "min-replicas-to-write", "0")),
    ("memory is full", (*SET, "maxmemory", "1"), (*SET, "maxmemory", "0")),
]


@pytest.mark.parametrize(("words", "harm", "cure"), READ_ONLY, ids=[words for words, _, _ in READ_ONLY])
async def test_a_redis_that_can_only_be_read_makes_nobody_ready(
    connect: Any, words: str, harm: Setting, cure: Setting
) -> None:
    """It answers, and takes no event: the probe says why."""
    with running_redis() as server:
        async with open_redis(server.address) as queue:
            client = connect(admin=queue.admin)
            await queue.client.execute_command(*harm)
            sick = await client.get("/health/ready")
            await queue.client.execute_command(*cure)
            cured = await client.get("/health/ready")

    assert (sick.status_code, cured.status_code) == (503, 200)
    assert words in sick.json()["detail"]


async def test_with_redis_the_service_is_ready(client: httpx.AsyncClient) -> None:
    """Requests can be served."""
    assert (await client.get("/health/ready")).json() == {"status": "ready"}
