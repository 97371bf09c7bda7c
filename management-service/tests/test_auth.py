"""Only the key opens the writes; reads are open."""

from typing import Any

import pytest
from pydantic import SecretStr

from event_queue.redis_queue import RedisQueue

WRITES = [
    ("POST", "/queue/events"),
    ("DELETE", "/queue/events/550e8400-e29b-41d4-a716-446655440000"),
    ("PUT", "/trading/pauses/all"),
    ("DELETE", "/trading/pauses/all"),
]
READS = [
    "/health",
    "/health/live",
    "/health/ready",
    "/queue/status",
    "/queue/events",
    "/events",
    "/trading",
    "/metrics",
]


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("key", [None, b"", b"wrong", b"an-operators-ke", b"an-operators-key2", b"\xff\xfe"])
async def test_a_write_without_the_key_is_refused(
    connect: Any, redis_queue: RedisQueue, body: dict[str, Any], method: str, path: str, key: bytes | None
) -> None:
    """A missing or wrong key is answered with 401 and how to send the right one; nothing is changed."""
    answer = await connect(key=key).request(method, path, json=body)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert (await redis_queue.admin.status()).active_events_count == 0
    assert await redis_queue.trading.read() == {}


@pytest.mark.parametrize("scheme", ["Basic", "Token"])
async def test_another_scheme_is_refused(connect: Any, body: dict[str, Any], scheme: str) -> None:
    """The key counts only as a bearer token."""
    headers = {"Authorization": f"{scheme} an-operators-key"}

    answer = await connect(key=None).post("/queue/events", json=body, headers=headers)

    assert answer.status_code == 401


@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_without_a_configured_key_writes_are_off(connect: Any, method: str, path: str) -> None:
    """Nobody can write then, and the answer says which variable to set."""
    answer = await connect(api_key=None).request(method, path, json={})

    assert answer.status_code == 503
    assert "MANAGEMENT_API_KEY" in answer.json()["detail"]


@pytest.mark.parametrize("path", READS)
async def test_reads_need_no_key(connect: Any, path: str) -> None:
    """Whatever only looks is open, with and without a configured key."""
    assert (await connect(key=None).get(path)).status_code == 200
    assert (await connect(key=None, api_key=None).get(path)).status_code == 200


async def test_a_key_may_be_any_text(connect: Any, body: dict[str, Any]) -> None:
    """A key outside ASCII works when it is sent in UTF-8."""
    answer = await connect(key="schlüssel-鍵", api_key=SecretStr("schlüssel-鍵")).post("/queue/events", json=body)

    assert answer.status_code == 201


async def test_the_key_is_asked_for_before_the_body_is_read(connect: Any) -> None:
    """A stranger cannot make the service read a body."""
    answer = await connect(key=None).post("/queue/events", content=b"x" * 100_000)

    assert answer.status_code == 401
