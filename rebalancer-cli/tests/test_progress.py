"""Progress from log lines."""

import json
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from rebalancer_cli.demo.progress import Progress


def line(**entry: Any) -> str:
    return json.dumps(entry)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"event": "event_started", "account_id": "DU1", "command": "rebalance"}, "  DU1  rebalance starts\n"),
        (
            {"event": "order_sent", "account_id": "DU1", "side": "BUY", "quantity": 3, "symbol": "SPY"},
            "  DU1  order sent: BUY 3 SPY\n",
        ),
        ({"event": "attempt_failed", "account_id": "DU1", "error": "no [price]"}, "  DU1  failed: no [price]\n"),
        ({"event": "sells_done", "account_id": "DU1"}, "  DU1  sells done,  to spend\n"),
        ({"event": "lease_acquired"}, ""),
        ({"event": ["odd"]}, ""),
    ],
)
def test_what_a_watcher_sees(console: Console, output: StringIO, entry: dict[str, Any], words: str) -> None:
    """Steps of an event are told in words; a missing field is left out, other lines are passed over."""
    Progress(console).hear("event-processor", line(**entry))

    assert output.getvalue() == words


@pytest.mark.parametrize("text", ["", "Ready to accept connections", "[1, 2]", '"event_queued"', "{broken"])
def test_lines_that_are_no_log_entries(console: Console, output: StringIO, text: str) -> None:
    """Redis and tracebacks print what they like."""
    Progress(console).hear("redis", text)

    assert output.getvalue() == ""


async def test_queued_events_are_remembered_in_order(console: Console) -> None:
    """Whoever waits gets account and id of each queued event."""
    progress = Progress(console)
    for number in (1, 2):
        progress.hear("event-broker", line(event="event_queued", account_id=f"DU{number}", event_id=f"e-{number}"))

    assert [await progress.queued_event(), await progress.queued_event()] == [("DU1", "e-1"), ("DU2", "e-2")]
