"""Requests that README shows are ones that the service answers."""

import re
import shlex
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from starlette.routing import Match

from event_queue.redis_queue import RedisQueue
from event_queue.testing.memory_audit import MemoryAudit
from management_service.app import create_app
from management_service.dependencies import Dependencies
from service_runtime.accounts import Accounts
from service_runtime.clock import SystemClock
from service_runtime.settings import TradingMode

CODE = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
PLAIN = re.compile(r"`http://localhost:8000(/[^`]*)`")
METHODS_BY_OPTION = {"-d": "POST", "--data": "POST"}


@pytest.fixture
def app(redis_queue: RedisQueue) -> FastAPI:
    """The application as it is served."""
    return create_app(
        Dependencies(
            intake=redis_queue.intake,
            admin=redis_queue.admin,
            verify=redis_queue.verify,
            audit=MemoryAudit(),
            board=redis_queue.components,
            trading=redis_queue.trading,
            accounts=Accounts(by_id={}, disabled=frozenset()),
            trading_mode=TradingMode.PAPER,
            api_key=None,
            clock=SystemClock(),
        )
    )


def requests(text: str) -> Iterator[tuple[str, str]]:
    """Method and path of every curl line, and of every address named in passing."""
    for block in CODE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["curl"]:
                yield _method(words), urlsplit(next(word for word in words if word.startswith("http://"))).path
    for path in PLAIN.findall(text):
        yield "GET", path


def _method(words: list[str]) -> str:
    if "-X" in words:
        return words[words.index("-X") + 1]
    return next((METHODS_BY_OPTION[word] for word in words if word in METHODS_BY_OPTION), "GET")


def is_served(app: FastAPI, method: str, path: str) -> bool:
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "headers": []}
    return any(route.matches(scope)[0] is Match.FULL for route in app.routes)


def test_every_request_in_readme_has_a_route(app: FastAPI, readme: str) -> None:
    """Nothing that a newcomer copies from README is answered by 404 or 405."""
    shown = set(requests(readme))

    assert {("GET", "/health"), ("GET", "/queue/status"), ("POST", "/queue/events")} <= shown
    assert [f"{method} {path}" for method, path in sorted(shown) if not is_served(app, method, path)] == []


def test_a_route_that_is_not_there_is_noticed(app: FastAPI) -> None:
    """The check itself tells wrong paths and wrong methods."""
    text = "```bash\ncurl -X PUT http://localhost:8000/health\ncurl http://localhost:8000/nope\n```"

    assert [is_served(app, method, path) for method, path in requests(text)] == [False, False]
