"""GET /queue/status and /queue/events: what is in the queue, and where."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from event_queue.events import Command, RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue

NewEvent = Callable[..., RebalanceEvent]


@pytest.fixture
async def busy(redis_queue: RedisQueue, lease: Lease, new_event: NewEvent) -> dict[str, RebalanceEvent]:
    """One event in work, one waiting, one put aside after a failure."""
    failing, working = new_event("DU789012"), new_event(command=Command.PRINT_ORDERS)
    waiting = new_event()
    for event in (failing, working, waiting):
        await redis_queue.intake.enqueue(event)
    held = await redis_queue.worker.claim(lease, "0")
    assert held == failing
    await redis_queue.worker.requeue(
        lease, "0", failing, pause=timedelta(minutes=5), error="no connection", result={"orders": []}
    )
    assert await redis_queue.worker.claim(lease, "0") == working
    return {"processing": working, "waiting": waiting, "delayed": failing.requeued()}


async def test_an_empty_queue_counts_nothing(client: httpx.AsyncClient) -> None:
    """All counters are there, at zero."""
    answer = await client.get("/queue/status")

    assert answer.status_code == 200
    assert answer.json() == {
        "queue_length": 0,
        "active_events_count": 0,
        "oldest_event_age_seconds": 0,
        "events_with_retries": 0,
        "processing": 0,
        "delayed": 0,
    }


async def test_each_place_is_counted(
    client: httpx.AsyncClient, busy: dict[str, RebalanceEvent], redis_queue: RedisQueue
) -> None:
    """Waiting, processing and delayed events are counted apart, and together as active."""
    oldest = str(busy["waiting"].event_id)
    await redis_queue.client.execute_command("ZINCRBY", redis_queue.keys.ages, -60_000, oldest)

    status = (await client.get("/queue/status")).json()

    assert status.pop("oldest_event_age_seconds") >= 60
    assert status == {
        "queue_length": 1,
        "active_events_count": 3,
        "events_with_retries": 1,
        "processing": 1,
        "delayed": 1,
    }


async def test_events_are_listed_in_the_order_in_which_they_run(
    client: httpx.AsyncClient, busy: dict[str, RebalanceEvent]
) -> None:
    """Processing, waiting, then delayed, each with its state and how often it was queued."""
    events = (await client.get("/queue/events")).json()

    assert [(event["state"], event["event_id"]) for event in events] == [
        (state, str(event.event_id)) for state, event in busy.items()
    ]
    assert [event["times_queued"] for event in events] == [1, 1, 2]


@pytest.mark.usefixtures("busy")
async def test_a_listed_event_has_the_documents_fields(client: httpx.AsyncClient) -> None:
    """The list shows each event as it was taken in, and when a delayed one joins the line."""
    *_, waiting, delayed = (await client.get("/queue/events")).json()

    assert waiting.pop("event_id") != delayed["event_id"]
    assert waiting == {
        "account_id": "DU123456",
        "exec_command": "rebalance",
        "times_queued": 1,
        "created_at": "2023-12-01T09:59:00Z",
        "source": "ably",
        "data": {"a": 1},
        "state": "waiting",
        "due_at": None,
    }
    assert delayed["due_at"].endswith("Z")


@pytest.mark.usefixtures("busy")
async def test_a_list_can_be_cut_short(client: httpx.AsyncClient) -> None:
    """`limit` takes the first ones."""
    events = (await client.get("/queue/events", params={"limit": 2})).json()

    assert [event["state"] for event in events] == ["processing", "waiting"]


async def test_a_list_goes_on_where_it_was_cut(client: httpx.AsyncClient, busy: dict[str, RebalanceEvent]) -> None:
    """`offset` leaves out the first ones; behind the end there is nothing."""
    pages = [(await client.get(f"/queue/events?limit=1&offset={offset}")).json() for offset in range(4)]

    assert [[event["event_id"] for event in page] for page in pages] == [
        *([str(event.event_id)] for event in busy.values()),
        [],
    ]


@pytest.mark.parametrize("offset", ["-1", "1.5", "", "some", "1000000001", "9" * 5_000])
async def test_an_offset_out_of_bounds_is_refused(client: httpx.AsyncClient, offset: str) -> None:
    """Anything but a number of events is named as a wrong `offset`."""
    answer = await client.get("/queue/events", params={"offset": offset})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "offset"


@pytest.mark.parametrize("limit", ["1", "1000"])
async def test_a_limit_within_bounds_is_taken(client: httpx.AsyncClient, limit: str) -> None:
    """From 1 to 1000 events can be listed."""
    assert (await client.get("/queue/events", params={"limit": limit})).status_code == 200


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "many", "1.5", ""])
async def test_a_limit_out_of_bounds_is_refused(client: httpx.AsyncClient, limit: str) -> None:
    """Anything else is named as a wrong `limit`."""
    answer = await client.get("/queue/events", params={"limit": limit})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "limit"


@pytest.mark.parametrize(
    ("asked", "field"), [("ofset=5", "ofset"), ("status=failed", "status"), ("limit=1&limit=2", "limit")]
)
async def test_what_a_listing_does_not_know_is_refused(client: httpx.AsyncClient, asked: str, field: str) -> None:
    """A typo, a filter of the history, and a parameter that is given twice are named."""
    answer = await client.get(f"/queue/events?{asked}")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
