"""rebuild and resync against a management service that answers as told."""

from io import StringIO
from typing import Any

import httpx
import pytest
from rich.console import Console

from rebalancer_cli.errors import ServiceRefused
from rebalancer_cli.operator.mending import mend
from rebalancer_cli.stack.management_api import ManagementApi

EVENT = {
    "action": "returns",
    "event_id": "e-1",
    "account_id": "DU1",
    "exec_command": "rebalance",
    "times_queued": 3,
    "due_at": None,
    "waits_for_trading": False,
    "ended_as": None,
}
ANSWER: dict[str, Any] = {
    "done": False,
    "verdict": "redis_lost",
    "halted": True,
    "history_counter": 41,
    "redis_counter": None,
    "counts": {"returns": 1, "ends": 1},
    "moved_records": 2,
    "pauses": ["DU9"],
    "kept": {
        "message_receipts": 31,
        "event_receipts": 4,
        "fill_receipts": 12,
        "traded_events": 6,
        "trading_days": 5,
        "channels": 2,
    },
    "events": [
        EVENT,
        EVENT | {"event_id": "e-2", "waits_for_trading": True},
        EVENT | {"event_id": "e-3", "due_at": "2025-06-24T15:00:00Z"},
        EVENT | {"event_id": "e-4", "action": "ends", "ended_as": "completed"},
        EVENT | {"event_id": "e-5", "action": "told"},
    ],
}


def api_that(answer: dict[str, Any], *, status: int = 200, asked: list[str] | None = None) -> ManagementApi:
    def serve(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(f"{request.method} {request.url.raw_path.decode()}")
        return httpx.Response(status, json=answer)

    return ManagementApi("http://service", "key", transport=httpx.MockTransport(serve))


async def test_a_dry_run_shows_a_table_of_what_would_be_done(console: Console, output: StringIO) -> None:
    """Each event with what happens to it and where it will be, and that nothing was changed."""
    asked: list[str] = []

    await mend(api_that(ANSWER, asked=asked), console, "rebuild", dry_run=True)

    assert asked == ["POST /queue/rebuild?dry_run=true"]
    for words in (
        "Redis was emptied; nothing is traded (last record: none in Redis, 41 in PostgreSQL)",
        "e-1",
        "comes back",
        "waits in line",
        "waits for trading to be resumed",
        "delayed until 2025-06-24T15:00:00Z",
        "goes: it has ended",
        "told to PostgreSQL",
        "trading stays paused for DU9",
        "history gives back besides: 31 receipts of messages, 4 of files and requests, 12 of executions",
        "6 events that sent orders, 5 accounts' trading days, 2 channels' progress",
        "2 records of Redis go behind those of PostgreSQL",
        "2 events; nothing was changed",
    ):
        assert words in output.getvalue()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param({**ANSWER, "done": True}, "done: 2 events; trading goes on", id="done"),
        pytest.param(
            {
                **ANSWER,
                "verdict": "agrees",
                "halted": False,
                "events": [],
                "counts": {},
                "redis_counter": 41,
                "kept": None,
            },
            "nothing to do",
            id="nothing to do",
        ),
    ],
)
async def test_a_resync_says_what_came_of_it(
    console: Console, output: StringIO, answer: dict[str, Any], words: str
) -> None:
    """In one closing line."""
    await mend(api_that(answer), console, "resync", dry_run=False)

    assert words in output.getvalue()


async def test_a_refusal_is_told_in_the_words_of_the_service(console: Console) -> None:
    """As when Redis is not empty; `force` is passed on."""
    asked: list[str] = []
    api = api_that({"detail": "Redis is not empty"}, status=409, asked=asked)

    with pytest.raises(ServiceRefused, match="Redis is not empty"):
        await mend(api, console, "rebuild", dry_run=False, force=True)

    assert asked == ["POST /queue/rebuild?dry_run=false&force=true"]
