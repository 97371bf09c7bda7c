"""What arrives on the socket and is not what a well-behaved client sends."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import pytest

from management_service.bounded_protocol import BoundedProtocol

pytestmark = pytest.mark.integration

Statuses = Callable[[bytes], Sequence[int]]
NEW = json.dumps({"account_id": "DU123456", "exec_command": "print-equity"}).encode()
HEAD = b"POST /queue/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer the-right-and-only-key\r\n"
JSON = b"Content-Type: application/json\r\n"
CLOSE = b"Connection: close\r\n"


class Impatient(BoundedProtocol):
    """Gives clients half a second."""

    patience_seconds = 0.5


@pytest.fixture
async def impatient(open_api: Any) -> AsyncGenerator[Any]:
    """The API with less patience."""
    async with open_api(Impatient) as live:
        yield live


async def is_well(live: Any) -> bool:
    """Whether somebody else is served."""
    async with live.client() as client:
        return (await client.get("/queue/status")).status_code == 200


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GE",
        b"GET /queue/status HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"GET /queue/status HTTP/1.1\r\nHost: x\r\n\r\nGET /",
        b"GET /queue/status HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n1",
        HEAD[:-2].replace(b"the-right", b"a-wrong") + b"\r\nContent-Length: 9\r\n\r\n1",
    ],
)
async def test_a_client_that_stops_in_mid_request_is_cut_off(impatient: Any, beginning: bytes) -> None:
    """Whether it says nothing, breaks off in a head, or never ends a body that nobody reads."""
    await impatient.send(beginning, seconds=30)

    assert await is_well(impatient)


async def test_a_head_that_comes_byte_by_byte_is_cut_off(impatient: Any) -> None:
    """Each byte is progress to the socket, but none to the request."""
    reader, writer = await asyncio.open_connection(impatient.host, impatient.port)
    over = asyncio.create_task(reader.read())
    while not over.done():
        writer.write(b"G")
        await asyncio.wait({over}, timeout=0.05)

    assert over.exception() is not None or over.result() in {b"", b"G"} or b"400" in over.result()
    writer.close()


async def ask_for_ever(writer: asyncio.StreamWriter) -> None:
    """Send requests until the connection breaks."""
    while True:
        writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        await writer.drain()
        await asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=0.02)


async def test_a_client_that_takes_no_answers_is_cut_off(impatient: Any) -> None:
    """Thousands of requests in one go, and nothing read: the connection is given up, and others are served."""
    _, writer = await asyncio.open_connection(impatient.host, impatient.port, limit=1)
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # the stub gives the base class
    writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 2_000)

    async with asyncio.timeout(60):
        with pytest.raises(ConnectionError):
            await ask_for_ever(writer)

    assert await is_well(impatient)


async def test_pipelined_requests_are_answered_in_order(api: Any, statuses: Statuses) -> None:
    """Three at once on one connection."""
    asked = [b"GET /queue/status HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"]
    last = b"DELETE /health HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\n"

    answers = await api.send(b"".join([*asked, last]))

    assert list(statuses(answers)) == [200, 404, 405]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"http://host/health/live", 200),
        (b"HTTP://Host:8000/queue/events?limit=2", 200),
        (b"https://[::1]/queue/%73tatus", 200),
        (b"http://host", 404),
        (b"http://host?limit=2", 404),
        (b"http://host/nowhere", 404),
        (b"http://host/http://host/health/live", 404),
        (b"http:///health/live", 200),
        (b"/http://host/health/live", 404),
        (b"ftp://host/health/live", 404),
    ],
)
async def test_a_target_may_be_a_whole_url(api: Any, statuses: Statuses, target: bytes, status: int) -> None:
    """As clients of a proxy write it; only its path and query count."""
    answer = await api.send(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\n")

    assert statuses(answer) == [status]
    assert b'"instance":"http' not in answer


async def test_a_chunked_body_without_a_length_is_read(api: Any, statuses: Statuses) -> None:
    """As clients send that do not know how long it will be."""
    chunks = b"".join(b"1\r\n" + bytes([byte]) + b"\r\n" for byte in NEW) + b"0\r\n\r\n"

    answer = await api.send(HEAD + JSON + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)

    assert statuses(answer) == [201]


@pytest.mark.parametrize("length", [1_000_000, 50_000_000_000])
async def test_a_long_body_is_refused_before_it_is_sent(api: Any, statuses: Statuses, length: int) -> None:
    """413 on its announcement alone."""
    reader, writer = await asyncio.open_connection(api.host, api.port)
    writer.write(HEAD + JSON + f"Content-Length: {length}\r\n\r\n".encode())

    answer = await reader.readuntil(b"\r\n\r\n")

    assert statuses(answer) == [413]
    writer.close()


async def test_a_megabyte_is_refused_to_a_client_that_sends_it_all(api: Any) -> None:
    """It reads its 413 although it was still sending when that was written; its connection can be used again."""
    body = b'{"account_id": "' + b"x" * 1_000_000 + b'"}'
    async with api.client() as client:
        answers = [
            await client.post("/queue/events", content=body, headers={"Content-Type": "application/json"})
            for _ in range(5)
        ]
        after = await client.get("/queue/status")

    assert [answer.status_code for answer in answers] == [413] * 5
    assert after.json()["active_events_count"] == 0


async def test_a_body_broken_off_is_no_error_of_ours(api: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A client that leaves in mid-body leaves no traceback behind."""
    _, writer = await asyncio.open_connection(api.host, api.port)
    writer.write(HEAD + JSON + b"Content-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()

    assert await is_well(api)
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /queue/status HTTP/1.1\r\n\r\n",
        b"GET /queue/status HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /queue/status HTTP/1.1\r\nHost: x\r\n" + b"X-Many: 1\r\n" * 10_000 + b"\r\n",
        b"GET /queue/status HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        b"GET /queue/status HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        HEAD + JSON + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n{}  ",
        HEAD + JSON + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n",
        HEAD + JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD.replace(b"only", b"wrong") + JSON + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n",
        HEAD + JSON + b"Transfer-Encoding: gzip\r\n\r\n",
        b"GET " + b"/a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /queue/status HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
)
async def test_whatever_arrives_is_the_clients_fault(
    impatient: Any, statuses: Statuses, caplog: pytest.LogCaptureFixture, request_bytes: bytes
) -> None:
    """No answer of 500 or above, no traceback, and others are served."""
    answers = statuses(await impatient.send(request_bytes))

    assert all(status < 500 for status in answers)
    assert not [record for record in caplog.records if record.exc_info]
    assert await is_well(impatient)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/health", "/queue/events", "/trading/pauses/all", "/nowhere"])
async def test_other_methods_are_refused(api: Any, method: str, path: str) -> None:
    """405 with what the path does take, or 404."""
    async with api.client() as client:
        answer = await client.request(method, path)

    assert answer.status_code == (404 if path == "/nowhere" else 405)
    assert path == "/nowhere" or answer.headers["allow"] in {"GET", "GET, POST", "DELETE, PUT"}


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/queue/events/../../etc/passwd",
        "/queue/events/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/trading/pauses/..%2f..%2fall",
        "//health",
        "/health%00",
        "/queue/events/%ff%fe",
        "/queue/events/%0d%0aSet-Cookie:%20a=b",
    ],
)
async def test_a_path_leads_nowhere_else(api: Any, statuses: Statuses, path: str) -> None:
    """404, 405 or 422, and no header of the sender's making."""
    answer = await api.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert statuses(answer)[0] in {404, 405, 422}
    assert b"root:" not in answer
    assert b"\r\nset-cookie" not in answer.lower()


async def test_a_kept_connection_does_not_hold_up_the_end(open_api: Any) -> None:
    """Idle connections, and one in mid-request, are closed when the service stops."""
    async with asyncio.timeout(60):
        async with open_api() as live:
            idle, silent = await asyncio.open_connection(live.host, live.port)
            used, writer = await asyncio.open_connection(live.host, live.port)
            writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            await used.readuntil(b"}")
            writer.write(b"GET /health/live HT")
            await writer.drain()
        ends = await asyncio.gather(idle.read(), used.read(), return_exceptions=True)
    for opened in (silent, writer):
        opened.close()

    assert all(end == b"" or isinstance(end, ConnectionError) for end in ends)
