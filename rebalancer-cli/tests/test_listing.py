"""`rebalancer events` and `rebalancer history` against a management service with many events."""

import json
from io import StringIO
from typing import Any

import httpx
import pytest
from rich.console import Console

from rebalancer_cli.errors import ServiceRefused
from rebalancer_cli.operator.listing import list_events, list_history
from rebalancer_cli.stack.management_api import ManagementApi


def event(number: int) -> dict[str, Any]:
    return {
        "event_id": f"e-{number}",
        "account_id": f"DU{number}",
        "exec_command": "rebalance",
        "times_queued": 1,
        "created_at": "2026-11-20T15:00:00Z",
    }


class Service:
    """Has so many events, living and past, and gives them as the real one does."""

    def __init__(self, count: int) -> None:
        self.living = [event(number) | {"state": "waiting"} for number in range(count)]
        self.past = [event(number) | {"status": "completed", "completed_at": None} for number in range(count)]
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = dict(request.url.params)
        self.asked.append(asked)
        limit = int(asked["limit"])
        if request.url.path == "/queue/events":
            offset = int(asked.get("offset", 0))
            return httpx.Response(200, json=self.living[offset : offset + limit])
        start = int(asked.get("cursor", 0))
        more = str(start + limit) if start + limit < len(self.past) else None
        return httpx.Response(200, json={"events": self.past[start : start + limit], "next_cursor": more})

    @property
    def api(self) -> ManagementApi:
        return ManagementApi("http://service", transport=httpx.MockTransport(self))


async def test_nothing_is_said_in_words(console: Console, output: StringIO) -> None:
    """An empty queue or history is no empty table."""
    await list_events(Service(0).api, console, 5)
    await list_history(Service(0).api, console, {}, 5)

    assert output.getvalue() == "no events\n" * 2


async def test_events_are_shown_in_their_order(console: Console, output: StringIO) -> None:
    """As the service gives them, up to the limit; what is missing stays empty."""
    await list_events(Service(7).api, console, 5)

    text = output.getvalue()
    assert [text.index(f"e-{number}") for number in range(5)] == sorted(
        text.index(f"e-{number}") for number in range(5)
    )
    assert "e-5" not in text
    assert "waiting" in text


@pytest.mark.parametrize(("limit", "pages"), [(1000, 1), (1001, 2), (2500, 3), (10_000, 3)])
async def test_more_events_than_one_answer_holds(console: Console, output: StringIO, limit: int, pages: int) -> None:
    """The limit may be above a thousand: the rest is asked for piece by piece, until there is no more."""
    service = Service(2_300)

    await list_events(service.api, console, limit, as_json=True)

    shown = [entry["event_id"] for entry in json.loads(output.getvalue())]
    assert shown == [f"e-{number}" for number in range(min(limit, 2_300))]
    assert len(service.asked) == pages


async def test_an_event_that_moves_between_two_pages_is_shown_once(console: Console, output: StringIO) -> None:
    """One that joined at the front pushes another into the next piece."""
    service = Service(1_500)
    service.living.insert(1_000, service.living[999])

    await list_events(service.api, console, 1_500, as_json=True)

    shown = [entry["event_id"] for entry in json.loads(output.getvalue())]
    assert len(shown) == len(set(shown)) == 1_499


@pytest.mark.parametrize(("limit", "pages"), [(50, 1), (200, 1), (201, 2), (450, 3), (9_999, 3)])
async def test_the_history_is_followed_by_its_cursor(
    console: Console, output: StringIO, limit: int, pages: int
) -> None:
    """Each page by the cursor of the one before, all with the same filters."""
    service = Service(500)

    await list_history(service.api, console, {"account": "DU1", "from": "2026-01-01T00:00:00Z"}, limit, as_json=True)

    shown = [entry["event_id"] for entry in json.loads(output.getvalue())]
    assert shown == [f"e-{number}" for number in range(min(limit, 500))]
    assert len(service.asked) == pages
    assert {(asked["account"], asked["from"]) for asked in service.asked} == {("DU1", "2026-01-01T00:00:00Z")}


async def test_the_history_is_a_table_for_people(console: Console, output: StringIO) -> None:
    """With how each event stands, and without the word None."""
    await list_history(Service(1).api, console, {}, 50)

    assert "completed" in output.getvalue()
    assert "None" not in output.getvalue()


async def test_a_wrong_filter_is_told_in_the_services_words(console: Console) -> None:
    """The service knows what can be asked for, and says which field it was."""
    refusal = {"title": "The request is not valid", "detail": "status should be 'pending' or 'completed'"}
    api = ManagementApi("http://service", transport=httpx.MockTransport(lambda _: httpx.Response(422, json=refusal)))

    with pytest.raises(ServiceRefused, match="status should be"):
        await list_history(api, console, {"status": "done"}, 50)
