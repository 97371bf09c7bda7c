"""What the log keeps of each request."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import structlog
from structlog.testing import LogCapture

from management_service.dependencies import Dependencies


@pytest.fixture
def told() -> Any:
    """The lines logged by the test, as dictionaries."""
    capture = LogCapture()
    structlog.configure(processors=[capture])
    yield capture.entries
    structlog.reset_defaults()


class BrokenAdmin:
    """A queue admin with a bug."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("a bug")


async def test_a_request_is_one_line(client: httpx.AsyncClient, told: list[dict[str, Any]]) -> None:
    """Method, path, status and duration."""
    await client.get("/queue/status")

    (line,) = told
    assert line.pop("duration_ms") >= 0
    assert line == {
        "event": "request_served",
        "log_level": "info",
        "method": "GET",
        "path": "/queue/status",
        "status": 200,
        "client": "127.0.0.1",
    }


async def test_no_header_query_or_body_is_kept(
    client: httpx.AsyncClient, told: list[dict[str, Any]], body: dict[str, Any]
) -> None:
    """Whatever may hold a secret stays out of the log."""
    body["data"] = {"note": "body-secret"}

    await client.post("/queue/events?token=query-secret", json=body)

    assert told
    assert not any(word in str(told) for word in ("body-secret", "query-secret", "an-operators-key"))


async def test_probes_are_told_at_debug(client: httpx.AsyncClient, told: list[dict[str, Any]]) -> None:
    """They come every few seconds."""
    await client.get("/health/ready")

    assert [line["log_level"] for line in told] == ["debug"]


async def test_an_unexpected_error_is_a_500(
    connect: Callable[..., httpx.AsyncClient], told: list[dict[str, Any]]
) -> None:
    """The line is there although no answer was begun."""
    await connect(admin=BrokenAdmin()).get("/queue/status")

    assert told[-1]["status"] == 500


async def test_a_change_is_logged_with_its_event(
    client: httpx.AsyncClient, told: list[dict[str, Any]], body: dict[str, Any]
) -> None:
    """Who looks for an event finds when it was queued and removed."""
    event = (await client.post("/queue/events", json=body)).json()
    await client.delete(f"/queue/events/{event['event_id']}")

    changes = [line for line in told if line["event"] in {"event_queued", "event_deleted"}]
    assert [(line["event"], line["event_id"], line["account_id"]) for line in changes] == [
        ("event_queued", event["event_id"], "DU123456"),
        ("event_deleted", event["event_id"], "DU123456"),
    ]


async def test_a_refused_request_does_not_log_its_text(
    client: httpx.AsyncClient, told: list[dict[str, Any]], dependencies: Dependencies
) -> None:
    """A wrong key is not written down."""
    assert dependencies.api_key is not None

    await client.post("/queue/events", headers={"Authorization": "Bearer nearly-the-key"}, json={})

    assert "nearly-the-key" not in str(told)
