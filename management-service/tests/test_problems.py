"""Every error is a problem document, and tells nothing of the inside."""

from typing import Any

import httpx
import pytest

from event_queue.errors import CorruptQueue, QueueFull, QueueUnavailable
from management_service.problems import FieldError, invalid_fields

SECRET = "redis://:hunter2@10.0.0.7:6379"


class FailingQueue:
    """An intake and admin that raises whatever it is told."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: object, **__: object) -> None:
            raise self._error

        return fail


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (QueueUnavailable(SECRET), 503, "urn:problem:rebalancer:queue-unavailable"),
        (QueueFull(SECRET), 507, "urn:problem:rebalancer:queue-full"),
        (CorruptQueue(SECRET), 500, "urn:problem:rebalancer:queue-corrupt"),
        (RuntimeError(SECRET), 500, "about:blank"),
    ],
)
async def test_a_failing_queue_is_told_without_its_inside(
    connect: Any, body: dict[str, Any], error: Exception, status: int, kind: str
) -> None:
    """Each failure has its status and type; its text stays in the log."""
    answer = await connect(intake=FailingQueue(error)).post("/queue/events", json=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == kind
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("path", ["/queue/status", "/queue/events", "/health/ready"])
async def test_reads_without_redis_say_when_to_come_back(connect: Any, path: str) -> None:
    """503, with a pause to keep."""
    answer = await connect(admin=FailingQueue(QueueUnavailable("no answer"))).get(path)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/queue/events/", 404),
        ("GET", "/docs", 404),
        ("PUT", "/queue/events", 405),
        ("POST", "/health", 405),
    ],
)
async def test_what_is_not_there_is_a_problem_too(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    """Unknown paths and methods are answered in the same form, without redirects."""
    answer = await client.request(method, path)

    problem = answer.json()
    assert answer.status_code == problem["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(problem) == {"type", "title", "status", "detail", "instance"}
    assert problem["instance"] == path


async def test_a_refused_method_names_the_others(client: httpx.AsyncClient) -> None:
    """405 comes with Allow."""
    assert (await client.put("/queue/status")).headers["allow"] == "GET"


@pytest.mark.parametrize("path", ["/health", "/nowhere"])
async def test_no_answer_is_sniffed_kept_or_shared(client: httpx.AsyncClient, path: str) -> None:
    """Answers and errors carry nosniff and no-store, and open nothing to other origins."""
    answer = await client.get(path, headers={"Origin": "https://elsewhere.example"})

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers


def test_wrong_fields_are_told_in_one_sentence() -> None:
    """The detail joins what the errors say one by one."""
    problem = invalid_fields(FieldError("a", "is required"), FieldError("b.c[0]", "is wrong"))

    assert problem.detail == "a is required; b.c[0] is wrong"
