"""GET and DELETE /queue/events/{event_id}."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue
from event_queue.testing.memory_audit import MemoryAudit

NewEvent = Callable[..., RebalanceEvent]
Relay = Callable[[], Any]


@pytest.fixture
async def waiting(redis_queue: RedisQueue, new_event: NewEvent) -> RebalanceEvent:
    """An event in the line."""
    event = new_event()
    await redis_queue.intake.enqueue(event)
    return event


@pytest.fixture
async def working(waiting: RebalanceEvent, redis_queue: RedisQueue, lease: Lease) -> RebalanceEvent:
    """An event in the worker's hands."""
    assert await redis_queue.worker.claim(lease, "0") == waiting
    return waiting


async def test_a_living_event_comes_with_its_history(
    client: httpx.AsyncClient, working: RebalanceEvent, relay: Relay
) -> None:
    """The queue says where it is, the history what happened so far."""
    await relay()

    found = (await client.get(f"/queue/events/{working.event_id}")).json()

    assert found["status"] == "processing"
    assert found["data"] == {"a": 1}
    assert [entry["kind"] for entry in found["history"]] == ["queued", "claimed"]
    assert found["note"] is None


async def test_a_living_event_is_found_without_postgres(
    client: httpx.AsyncClient, waiting: RebalanceEvent, audit: MemoryAudit
) -> None:
    """The history is null then, and a note says why."""
    audit.available = False

    answer = await client.get(f"/queue/events/{waiting.event_id}")

    assert answer.status_code == 200
    assert answer.json()["status"] == "waiting"
    assert answer.json()["history"] is None
    assert "PostgreSQL" in answer.json()["note"]


async def test_a_history_that_is_behind_is_told_as_such(client: httpx.AsyncClient, waiting: RebalanceEvent) -> None:
    """An event that the relay has not carried over yet is shown without history, with a note."""
    found = (await client.get(f"/queue/events/{waiting.event_id}")).json()

    assert found["history"] is None
    assert "not been told" in found["note"]


async def test_an_ended_event_is_found_in_the_history(
    client: httpx.AsyncClient, working: RebalanceEvent, redis_queue: RedisQueue, lease: Lease, relay: Relay
) -> None:
    """Its result stays there after the queue has forgotten it."""
    await redis_queue.worker.complete(lease, "0", working, result={"orders": 3}, claim_next=False)
    await relay()

    found = (await client.get(f"/queue/events/{working.event_id}")).json()

    assert found["status"] == "completed"
    assert found["result"] == {"orders": 3}
    assert found["created_at"] == "2023-12-01T09:59:00Z"
    assert [entry["kind"] for entry in found["history"]] == ["queued", "claimed", "completed"]
    assert found["note"] is None


async def test_an_event_whose_end_is_not_written_yet_says_so(
    client: httpx.AsyncClient, working: RebalanceEvent, redis_queue: RedisQueue, lease: Lease, relay: Relay
) -> None:
    """Between its end and the relay's next batch, the history's last word is shown as behind."""
    await relay()
    await redis_queue.worker.complete(lease, "0", working, result={}, claim_next=False)

    found = (await client.get(f"/queue/events/{working.event_id}")).json()

    assert found["status"] == "processing"
    assert "behind" in found["note"]


async def test_an_event_that_ended_before_history_heard_of_it_is_not_denied(
    client: httpx.AsyncClient, working: RebalanceEvent, redis_queue: RedisQueue, lease: Lease, relay: Relay
) -> None:
    """It is not found yet, and whoever asks is told to ask again; once history knows, it is shown."""
    await redis_queue.worker.complete(lease, "0", working, result={}, claim_next=False)

    answer = await client.get(f"/queue/events/{working.event_id}")
    await relay()
    found = await client.get(f"/queue/events/{working.event_id}")

    assert (answer.status_code, answer.headers["retry-after"]) == (404, "1")
    assert "nor in the history yet, which lacks 3 records" in answer.json()["detail"]
    assert found.json()["status"] == "completed"


async def test_an_unknown_event_is_not_found(client: httpx.AsyncClient) -> None:
    """Neither the queue nor the history knows it."""
    answer = await client.get(f"/queue/events/{uuid4()}")

    assert answer.status_code == 404
    assert answer.json()["type"].endswith("event-not-found")


async def test_without_postgres_an_ended_event_is_not_taken_for_unknown(
    client: httpx.AsyncClient, audit: MemoryAudit
) -> None:
    """What is not in the queue may be in the history, which cannot be asked."""
    audit.available = False

    answer = await client.get(f"/queue/events/{uuid4()}")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("wrong", ["1", "some-event-id", "..%2f..", "%0d%0aX:%20y"])
async def test_an_id_that_is_none_is_refused(client: httpx.AsyncClient, method: str, wrong: str) -> None:
    """Ids are UUIDs; anything else names the field, or finds no route."""
    answer = await client.request(method, f"/queue/events/{wrong}")

    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_removed_event_is_given_back(
    client: httpx.AsyncClient, waiting: RebalanceEvent, redis_queue: RedisQueue
) -> None:
    """Removing answers with the event, and its account and command are free again."""
    answer = await client.delete(f"/queue/events/{waiting.event_id}")

    assert answer.status_code == 200
    assert answer.json()["event_id"] == str(waiting.event_id)
    assert answer.json()["data"] == {"a": 1}
    assert (await redis_queue.admin.status()).active_events_count == 0


async def test_a_removal_is_audited_with_its_actor(
    client: httpx.AsyncClient, waiting: RebalanceEvent, relay: Relay
) -> None:
    """The history says that the API removed the event."""
    await client.delete(f"/queue/events/{waiting.event_id}")
    await relay()

    found = (await client.get(f"/queue/events/{waiting.event_id}")).json()

    assert found["status"] == "deleted"
    assert found["history"][-1]["details"] == {"actor": "api"}


async def test_an_event_is_removed_once(client: httpx.AsyncClient, waiting: RebalanceEvent) -> None:
    """The second removal finds nothing."""
    await client.delete(f"/queue/events/{waiting.event_id}")

    assert (await client.delete(f"/queue/events/{waiting.event_id}")).status_code == 404


async def test_an_event_in_work_stays(
    client: httpx.AsyncClient, working: RebalanceEvent, redis_queue: RedisQueue
) -> None:
    """It may have orders at the brokerage, so it is refused and nothing changes."""
    answer = await client.delete(f"/queue/events/{working.event_id}")

    assert answer.status_code == 409
    assert answer.json()["type"].endswith("event-in-progress")
    assert (await redis_queue.admin.status()).processing == 1
