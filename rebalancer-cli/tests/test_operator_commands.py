"""The operators' commands against a management service that answers as told."""

import asyncio
import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import httpx
import pytest
from rich.console import Console

from rebalancer_cli.errors import EventNotEnded, ServiceRefused, ServiceSilent, ServiceUnreachable
from rebalancer_cli.operator import commands
from rebalancer_cli.stack.management_api import ManagementApi

EVENT = {"event_id": "e-1", "account_id": "DU1", "exec_command": "print-rebalance", "times_queued": 1}
HEALTH = {
    "status": "healthy",
    "healthy": True,
    "message": "fine",
    "components": {"gateway": {"status": "ok", "detail": "connected [3]"}},
}
PROBLEM = {"title": "Conflict", "detail": "DU1 has an active twin e-0"}


class Service:
    """Answers by method and path, one answer after the other; the last one stays."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, Any]]] = {}
        self.requests: list[httpx.Request] = []

    def on(self, request: str, *answers: tuple[int, Any]) -> None:
        self.answers[request] = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        waiting = self.answers[f"{request.method} {request.url.raw_path.decode()}"]
        status, body = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return httpx.Response(status, json=body) if body is not None else httpx.Response(status, text="<html>")


@pytest.fixture
def service() -> Service:
    """The service, which answers nothing yet."""
    return Service()


@pytest.fixture
def api(service: Service) -> ManagementApi:
    """A client of it, with a key."""
    return ManagementApi("http://service", "key", transport=httpx.MockTransport(service))


async def test_status(service: Service, api: ManagementApi, console: Console, output: StringIO) -> None:
    """Verdict, parts and counters are shown."""
    service.on("GET /health", (200, HEALTH))
    service.on("GET /queue/status", (200, {"queue_length": 7}))

    assert await commands.show_status(api, console)

    for words in ("healthy: fine", "connected [3]", "queue_length", "7"):
        assert words in output.getvalue()


async def test_status_while_redis_is_down(
    service: Service, api: ManagementApi, console: Console, output: StringIO
) -> None:
    """The verdict is shown although the counters cannot be had."""
    service.on("GET /health", (503, {**HEALTH, "status": "error", "healthy": False, "message": "no Redis"}))
    service.on("GET /queue/status", (503, {"detail": "the queue does not answer"}))

    assert not await commands.show_status(api, console)

    assert "error: no Redis" in output.getvalue()
    assert "no counters: the queue does not answer" in output.getvalue()


async def test_status_of_a_service_that_is_busy(service: Service, api: ManagementApi, console: Console) -> None:
    """Its 503 is no verdict: it is told in the service's own words."""
    service.on("GET /health", (503, {"status": 503, "title": "The service is busy", "detail": "too many are waiting"}))

    with pytest.raises(ServiceRefused, match="too many are waiting"):
        await commands.show_status(api, console)


async def test_add(service: Service, api: ManagementApi, console: Console, output: StringIO) -> None:
    """The command goes out with the key, in both places where the service reads it."""
    service.on("POST /queue/events", (201, EVENT))

    await commands.add_event(api, console, "DU1", "print-rebalance")

    assert output.getvalue() == "queued print-rebalance for DU1: e-1\n"
    request = service.requests[0]
    assert request.headers["Authorization"] == "Bearer key"
    assert json.loads(request.content) == {
        "account_id": "DU1",
        "exec_command": "print-rebalance",
        "data": {"exec": "print-rebalance"},
    }


async def test_a_refusal_keeps_the_service_s_words(service: Service, api: ManagementApi, console: Console) -> None:
    """The detail of the problem is the message."""
    service.on("POST /queue/events", (409, PROBLEM))

    with pytest.raises(ServiceRefused, match="DU1 has an active twin e-0"):
        await commands.add_event(api, console, "DU1", "rebalance")


async def test_delete_quotes_the_id(service: Service, api: ManagementApi, console: Console, output: StringIO) -> None:
    """Whatever is typed stays one part of the path."""
    service.on("DELETE /queue/events/..%2F..%2Fhealth", (200, EVENT))

    await commands.delete_event(api, console, "../../health")

    assert output.getvalue() == "removed print-rebalance for DU1: e-1\n"


async def test_pause_says_for_whom_and_why(
    service: Service, api: ManagementApi, console: Console, output: StringIO
) -> None:
    """The answer repeats what the service has written down."""
    pause = {"scope": "DU1", "actor": "api", "reason": "rumours", "since": "2026-11-20T15:00:00Z"}
    service.on("PUT /trading/pauses/DU1", (200, pause))

    await commands.pause_trading(api, console, "DU1", "rumours")

    assert output.getvalue() == "trading paused for DU1 since 2026-11-20T15:00:00Z: rumours\n"


async def test_resume_lifts_the_pause_of_all(
    service: Service, api: ManagementApi, console: Console, output: StringIO
) -> None:
    """The scope `all` is a path of its own."""
    service.on("DELETE /trading/pauses/all", (200, {"scope": "all"}))

    await commands.resume_trading(api, console, "all")

    assert output.getvalue() == "trading resumed for all\n"


async def test_preview_waits_for_the_result(
    service: Service, api: ManagementApi, console: Console, output: StringIO
) -> None:
    """Between queue and history an event is unknown; it counts once its result has reached the history."""
    service.on("POST /queue/events", (201, EVENT))
    service.on(
        "GET /queue/events/e-1",
        (200, {**EVENT, "status": "processing"}),
        (404, {"detail": "there is no event e-1"}),
        (200, {**EVENT, "status": "completed", "result": None}),
        (200, {**EVENT, "status": "completed", "result": {"orders": ["[buy]"]}}),
    )

    await commands.preview(api, console, "DU1", timeout_seconds=5)

    assert json.loads(output.getvalue().split("\n", 1)[1]) == {"orders": ["[buy]"]}


async def test_preview_tells_a_failure_at_once(service: Service, api: ManagementApi, console: Console) -> None:
    """An event that goes back to the line is not waited for."""
    service.on("POST /queue/events", (201, EVENT))
    failed = {**EVENT, "times_queued": 2, "status": "delayed", "error_message": "no weights"}
    service.on("GET /queue/events/e-1", (200, failed))

    with pytest.raises(EventNotEnded, match="failed and will be tried again: no weights"):
        await commands.preview(api, console, "DU1", timeout_seconds=60)


async def test_preview_gives_up_in_time(service: Service, api: ManagementApi, console: Console) -> None:
    """An event that stays in the line is reported as what it is."""
    service.on("POST /queue/events", (201, EVENT))
    service.on("GET /queue/events/e-1", (200, {**EVENT, "status": "waiting"}))

    with pytest.raises(EventNotEnded, match="event e-1 is waiting"):
        await commands.preview(api, console, "DU1", timeout_seconds=0.1)


async def test_watch_prints_changes_only(
    service: Service, api: ManagementApi, console: Console, output: StringIO
) -> None:
    """The same counters are not printed twice; age alone is no change; it ends with the service."""
    first = {"queue_length": 1, "oldest_event_age_seconds": 1}
    older = {"queue_length": 1, "oldest_event_age_seconds": 3}
    empty = {"queue_length": 0, "oldest_event_age_seconds": 0}
    service.on("GET /queue/status", (200, first), (200, older), (200, empty), (503, {"detail": "gone"}))

    with pytest.raises(ServiceRefused, match="gone"):
        await commands.watch(api, console, pause_seconds=0.001)

    assert [json.loads(line) for line in output.getvalue().splitlines()] == [first, empty]


async def test_something_else_listens_there(service: Service, api: ManagementApi, console: Console) -> None:
    """An answer that is no JSON is told as what it is."""
    service.on("GET /health", (200, None))

    with pytest.raises(ServiceRefused, match=r"what answers at http://service is not a management service"):
        await commands.show_status(api, console)


async def test_nobody_listens_there(console: Console) -> None:
    """The message names the address and both remedies."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    api = ManagementApi("http://service", transport=httpx.MockTransport(refuse))

    with pytest.raises(ServiceUnreachable, match=r"http://service \(ConnectError\); start one with `rebalancer up`"):
        await commands.show_status(api, console)


async def test_readiness_is_waited_for(service: Service, api: ManagementApi) -> None:
    """Refusals on the way up are no failure."""
    service.on("GET /health/ready", (503, {"detail": "not yet"}), (200, {"status": "ready"}))

    async with asyncio.timeout(5):
        await api.wait_until_ready(timeout_seconds=5)

    assert len(service.requests) == 2


@pytest.mark.parametrize("ask", [ManagementApi.health, ManagementApi.queue_status])
async def test_a_proxy_is_never_used(monkeypatch: pytest.MonkeyPatch, ask: Callable[[ManagementApi], Any]) -> None:
    """The service is asked directly, whatever the environment says of proxies."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    api = ManagementApi("http://127.0.0.1:9")

    with pytest.raises(ServiceUnreachable, match=r"http://127\.0\.0\.1:9"):
        await ask(api)


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError])
async def test_a_service_that_was_asked_and_did_not_answer(console: Console, error: type[httpx.TransportError]) -> None:
    """It is there, and may have done what it was asked for: nobody is told to start another or to repeat it blindly."""

    def lose_the_answer(request: httpx.Request) -> httpx.Response:
        raise error("lost", request=request)

    api = ManagementApi("http://service", transport=httpx.MockTransport(lose_the_answer))

    with pytest.raises(ServiceSilent, match="may or may not have happened"):
        await commands.add_event(api, console, "DU1", "rebalance")


async def test_the_service_is_given_the_time_that_it_may_take(console: Console) -> None:
    """A crowd is served late, and mending a long queue takes minutes; whether it is ready is asked again soon."""
    given: dict[str, float] = {}

    def serve(request: httpx.Request) -> httpx.Response:
        given[request.url.path] = request.extensions["timeout"]["read"]
        return httpx.Response(200, json=EVENT)

    async with ManagementApi("http://service", transport=httpx.MockTransport(serve)) as api:
        await api.wait_until_ready(timeout_seconds=5)
        await api.mend("resync", dry_run=False, force=False)
        await commands.add_event(api, console, "DU1", "print-rebalance")

    assert given["/health/ready"] == 10
    assert given["/queue/events"] > 20 + 20
    assert given["/queue/resync"] >= 600
