"""A running service in a crowd, and among liars: right answers, bounded memory, one line of log a request."""

import asyncio
import json
import signal
from collections import Counter
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.integration

CLIENTS = 200
WAVES = 4
READS = ("/queue/status", "/queue/events", "/events?limit=200", "/health", "/metrics")
JSON = {"Content-Type": "application/json"}
MUCH_MEMORY = 400 * 1024 * 1024
LITTLE_MORE = 48 * 1024 * 1024
FORGED = '\r\n{"event": "forged"}\x1b[2J\u202e'


async def ask_for_all(port: int) -> bytes:
    """What comes back on a connection of one's own for one request of each kind."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ends = ["", "", "", "", "Connection: close\r\n"]
    for path, end in zip(READS, ends, strict=True):
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{end}\r\n".encode())
    try:
        async with asyncio.timeout(100):
            return await reader.read()
    finally:
        writer.close()


def statuses(answers: bytes) -> list[bytes]:
    return [head[:3] for head in answers.split(b"HTTP/1.1 ")[1:]]


async def test_two_hundred_clients_get_their_answers_in_bounded_memory(service: Any) -> None:
    """Wave after wave of five requests on each of 200 connections: answered all, and none needs more than the first."""
    most: list[int] = []
    for _ in range(WAVES):
        answers = await asyncio.gather(*(ask_for_all(service.port) for _ in range(CLIENTS)))
        most.append(service.most_memory)
        assert Counter(status for answer in answers for status in statuses(answer)) == {b"200": CLIENTS * len(READS)}

    assert most[-1] < MUCH_MEMORY
    assert most[-1] - most[0] < LITTLE_MORE


def test_nobody_writes_a_line_of_the_log(service: Any, client: httpx.Client) -> None:
    """Whatever is sent, each request leaves one line, which is JSON and ours, and no control character reaches it."""
    odd: dict[str, Any] = {"account_id": FORGED, "exec_command": FORGED, "data": {FORGED: FORGED}}
    asked = [
        client.post("/queue/events", json=odd),
        client.post("/queue/events", json=odd | {"account_id": "DU123456", "exec_command": "print-equity"}),
        client.get("/queue/events/%0d%0a%1b[2J"),
        client.get("/events", params={"account": FORGED, "cursor": FORGED}),
        client.get("/%0a%7b%22event%22:%22forged%22%7d%e2%80%ae%ff"),
        client.put("/trading/pauses/all", json={"reason": FORGED}),
        client.put(f"/trading/pauses/{'%0a' * 10}", content=b'{"reason": "\\ud800"}', headers=JSON),
        client.get("/health", headers={"User-Agent": "${jndi:x}", "X-Forwarded-For": "10.9.9.9"}),
    ]
    service.end(signal.SIGTERM)

    lines = [json.loads(line) for line in service.log]
    assert [answer.status_code for answer in asked] == [422, 201, 422, 422, 404, 422, 422, 200]
    assert sum(line["event"] == "request_served" for line in lines) == len(asked) - 1
    assert "forged" not in {line["event"] for line in lines}
    assert all(character.isprintable() for line in service.log for character in line.rstrip("\n"))
