"""What is taken as a body at all."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from event_queue.redis_queue import RedisQueue

JSON = {"Content-Type": "application/json"}


async def chunks(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * size


@pytest.mark.parametrize("text", [b"", b"{", b"{'account_id': 1}", b"\xff\xfe{}", b"[" * 50_000])
async def test_what_is_not_json_is_a_bad_request(client: httpx.AsyncClient, text: bytes) -> None:
    """Text that is not JSON, not UTF-8, or made to exhaust the parser is answered with 400."""
    answer = await client.post("/queue/events", content=text, headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["title"] == "Bad Request"


async def test_a_fault_of_json_is_located(client: httpx.AsyncClient) -> None:
    """The answer says where the JSON breaks off."""
    answer = await client.post("/queue/events", content=b'{\n "account_id": }', headers=JSON)

    assert "line 2, column 16" in answer.json()["detail"]


async def test_a_key_given_twice_is_a_bad_request(client: httpx.AsyncClient, redis_queue: RedisQueue) -> None:
    """It would be open which of two values of `exec` was meant."""
    text = b'{"account_id":"DU123456","exec_command":"rebalance","data":{"exec":"dry_run","exec":"rebalance"}}'

    answer = await client.post("/queue/events", content=text, headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["detail"] == "exec is given twice in one object"
    assert [error["field"] for error in answer.json()["errors"]] == ["exec"]
    assert (await redis_queue.admin.status()).active_events_count == 0


@pytest.mark.parametrize("given", ["application/x-www-form-urlencoded", "text/plain", None])
async def test_another_type_of_content_is_refused_with_a_hint(
    client: httpx.AsyncClient, body: dict[str, Any], given: str | None
) -> None:
    """`curl -d` without a header sends a form; the answer says which header to add."""
    headers = {} if given is None else {"Content-Type": given}

    answer = await client.post("/queue/events", content=json.dumps(body).encode(), headers=headers)

    assert answer.status_code == 415
    assert "`Content-Type: application/json`" in answer.json()["detail"]


async def test_a_charset_may_stand_beside_the_type(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """`application/json; charset=utf-8` is JSON."""
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}

    answer = await client.post("/queue/events", content=json.dumps(body).encode(), headers=headers)

    assert answer.status_code == 201


async def test_a_long_body_is_refused_by_its_announcement(client: httpx.AsyncClient) -> None:
    """A Content-Length over the limit is enough."""
    answer = await client.post("/queue/events", content=b" " * 65_537, headers=JSON)

    assert answer.status_code == 413


async def test_a_long_body_is_refused_while_it_streams(client: httpx.AsyncClient) -> None:
    """Without a Content-Length, the body is given up at the first byte too many."""
    answer = await client.post("/queue/events", content=chunks(16_385, 4), headers=JSON)

    assert answer.status_code == 413
    assert "65536" in answer.json()["detail"]


async def test_a_body_at_the_limit_is_read(client: httpx.AsyncClient) -> None:
    """Exactly 64 KiB are read, and found not to be JSON."""
    answer = await client.post("/queue/events", content=chunks(16_384, 4), headers=JSON)

    assert answer.status_code == 400
