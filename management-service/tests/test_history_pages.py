"""GET /events: the history, by filters and page by page."""

import struct
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

import httpx
import pytest

from event_queue.audit import EventFilter, PagePosition
from event_queue.events import Command, RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue
from event_queue.testing.memory_audit import MemoryAudit
from management_service.page_cursor import read_cursor, write_cursor

PLACE = PagePosition(datetime(2023, 12, 1, 10, 0, 0, 123457, tzinfo=UTC), UUID(int=7))
CURSOR = write_cursor(PLACE, EventFilter())


def made(number: int, now: datetime) -> RebalanceEvent:
    """An event that was created `number` seconds ago, of one of four commands."""
    command = tuple(Command)[number % 4]
    return RebalanceEvent.new(
        account_id=f"DU{number}", exec_command=command, source="api", now=now - timedelta(seconds=number)
    )


@pytest.fixture
async def past(redis_queue: RedisQueue, lease: Lease, relay: Any, now: datetime) -> list[RebalanceEvent]:
    """Seven events, youngest first; the oldest two have ended."""
    events = [made(number, now) for number in range(7)]
    for event in reversed(events):
        await redis_queue.intake.enqueue(event)
    for event in (events[6], events[5]):
        assert await redis_queue.worker.claim(lease, "0") == event
        await redis_queue.worker.complete(lease, "0", event, result={"orders": []}, claim_next=False)
    await relay()
    return events


async def accounts(client: httpx.AsyncClient, **parameters: Any) -> list[str]:
    answer = await client.get("/events", params=parameters)
    assert answer.status_code == 200, answer.text
    return [event["account_id"] for event in answer.json()["events"]]


async def test_without_a_past_there_is_one_empty_page(client: httpx.AsyncClient) -> None:
    """No event, and no other page."""
    assert (await client.get("/events")).json() == {"events": [], "next_cursor": None}


@pytest.mark.usefixtures("past")
async def test_an_event_is_told_with_its_end(client: httpx.AsyncClient) -> None:
    """All that the history's row says, under the names that events have elsewhere."""
    oldest = (await client.get("/events")).json()["events"][-1]

    assert UUID(oldest.pop("event_id"))
    assert oldest.pop("received_at") <= oldest.pop("started_at") <= oldest.pop("completed_at")
    assert oldest == {
        "account_id": "DU6",
        "exec_command": tuple(Command)[2].value,
        "times_queued": 1,
        "created_at": "2023-12-01T09:59:54Z",
        "source": "api",
        "data": {},
        "status": "completed",
        "result": {"orders": []},
        "error_message": None,
        "next_attempt_at": None,
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 200])
async def test_pages_tell_each_event_once(client: httpx.AsyncClient, past: list[RebalanceEvent], limit: int) -> None:
    """Youngest first, each page full but the last, and the last one says that it is."""
    sizes: list[int] = []
    listed: list[str] = []
    cursor: dict[str, str] = {}
    while not sizes or cursor:
        page = (await client.get("/events", params={"limit": limit} | cursor)).json()
        listed += [event["event_id"] for event in page["events"]]
        sizes.append(len(page["events"]))
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}

    assert listed == [str(event.event_id) for event in past]
    assert all(size == limit for size in sizes[:-1])


async def test_events_that_come_in_meanwhile_move_no_page(
    client: httpx.AsyncClient, past: list[RebalanceEvent], redis_queue: RedisQueue, relay: Any, now: datetime
) -> None:
    """The second page begins where the first one ended."""
    first = (await client.get("/events", params={"limit": 3})).json()
    await redis_queue.intake.enqueue(made(50, now + timedelta(minutes=1)))
    await relay()

    second = (await client.get("/events", params={"limit": 3, "cursor": first["next_cursor"]})).json()

    assert [event["event_id"] for event in second["events"]] == [str(event.event_id) for event in past[3:6]]


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"account": "DU3"}, ["DU3"]),
        ({"account": "DU99"}, []),
        ({"command": tuple(Command)[1].value}, ["DU1", "DU5"]),
        ({"status": "completed"}, ["DU5", "DU6"]),
        ({"status": "pending", "command": tuple(Command)[1].value}, ["DU1"]),
        ({"from": "2023-12-01T09:59:58Z"}, ["DU0", "DU1", "DU2"]),
        ({"to": "2023-12-01T09:59:55Z"}, ["DU6"]),
        ({"from": "2023-12-01T10:59:56+01:00", "to": "2023-12-01T09:59:58.5Z"}, ["DU2", "DU3", "DU4"]),
        ({"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z", "account": "DU0"}, ["DU0"]),
    ],
)
async def test_filters_choose(client: httpx.AsyncClient, filters: Mapping[str, str], found: list[str]) -> None:
    """All of them must fit; the time begins with its beginning and ends before its end."""
    assert await accounts(client, **filters) == found


@pytest.mark.usefixtures("past")
async def test_a_filtered_listing_has_pages_too(client: httpx.AsyncClient) -> None:
    """The cursor goes on with the same filters."""
    first = (await client.get("/events", params={"status": "pending", "limit": 3})).json()

    rest = await accounts(client, status="pending", limit=3, cursor=first["next_cursor"])

    assert [event["account_id"] for event in first["events"]] == ["DU0", "DU1", "DU2"]
    assert rest == ["DU3", "DU4"]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ("account=", "account"),
        ("account=DU1%00", "account"),
        ("account=DU1%0A", "account"),
        ("account=%FF", "account"),
        ("account=" + "a" * 33, "account"),
        ("account=%27%3B%20DROP%20TABLE%20rebalance_events%3B--", "account"),
        ("command=sell-everything", "command"),
        ("status=done", "status"),
        ("status=PENDING", "status"),
        ("from=yesterday", "from"),
        ("from=2023-12-01", "from"),
        ("from=2023-12-01T10:00:00", "from"),
        ("from=1700000000", "from"),
        ("from=0001-01-01T00:00:00%2B14:00", "from"),
        ("to=9999-12-31T23:59:59-12:00", "to"),
        ("to=2023-12-01T10:00:00+01:00", "to"),
        ("from=2023-12-01T10:00:00Z&to=2023-12-01T10:00:00Z", "to"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=1e400", "limit"),
        ("limit=" + "9" * 5_000, "limit"),
        ("cursor=", "cursor"),
        ("cursor=..%2F..%2Fetc%2Fpasswd", "cursor"),
        ("cursor=" + "A" * 40, "cursor"),
        ("cursor=" + "_" * 40, "cursor"),
        ("cursor=" + CURSOR.swapcase(), "cursor"),
        ("status=completed&cursor=" + CURSOR, "cursor"),
        ("acount=DU1", "acount"),
        ("offset=5", "offset"),
        ("status=completed&status=skipped", "status"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(client: httpx.AsyncClient, parameters: str, field: str) -> None:
    """422 with the field: a typo must not list everything, nor an old cursor the wrong events."""
    answer = await client.get(f"/events?{parameters}")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_cursor_keeps_its_place_to_the_microsecond() -> None:
    """It comes back exactly, and for the filters of its page alone."""
    matching = EventFilter(account_id="DU1", created_from=PLACE.created_at)

    cursor = write_cursor(PLACE, matching)

    assert read_cursor(cursor, matching) == PLACE
    assert read_cursor(cursor, EventFilter(account_id="DU2", created_from=PLACE.created_at)) is None


@pytest.mark.parametrize("microseconds", [-(2**63), 2**63 - 1])
async def test_a_cursor_made_up_by_somebody_who_knows_how_is_refused_too(
    client: httpx.AsyncClient, microseconds: int
) -> None:
    """Its seal is no secret; a moment outside the calendar is a wrong cursor, not an error of the service."""
    place = struct.pack(">q16s", microseconds, bytes(16))
    seal = blake2b(place + repr(EventFilter()).encode(), digest_size=6).digest()

    answer = await client.get("/events", params={"cursor": urlsafe_b64encode(place + seal).decode("ascii")})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "cursor"


async def test_without_postgres_the_history_alone_is_missing(
    client: httpx.AsyncClient, audit: MemoryAudit, redis_queue: RedisQueue, new_event: Callable[..., RebalanceEvent]
) -> None:
    """503 says so and when to come again; what Redis knows is served as ever."""
    await redis_queue.intake.enqueue(new_event())
    audit.available = False

    history = await client.get("/events")
    queue = await client.get("/queue/events")

    assert (history.status_code, history.headers["retry-after"]) == (503, "5")
    assert history.json()["type"] == "urn:problem:rebalancer:history-unavailable"
    assert "PostgreSQL" in history.json()["detail"]
    assert (queue.status_code, len(queue.json())) == (200, 1)
