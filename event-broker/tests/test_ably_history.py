"""What Ably's REST interface answers, told apart: a refusal, or a failure that may pass."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace

import pytest
from pydantic import SecretStr

from event_broker.ably_client import open_rest_client
from event_broker.ably_history import AblyHistory
from event_broker.errors import HistoryRefused, HistoryUnavailable
from event_broker.settings import AblyTiming
from event_broker.testing.listening_rig import SHORT
from service_runtime.clock import SystemClock
from service_runtime.settings import AblySettings

NO_ANSWER = ""
OK = 200
TOKEN = '{"token": "t", "keyName": "app.main", "issued": 0, "expires": 9999999999999, "capability": "{}"}'


def error(status: int, code: int) -> str:
    """Ably's own form of an error."""
    return f'{{"error":{{"message":"no","code":{code},"statusCode":{status}}}}}'


@asynccontextmanager
async def rest(
    status: int, body: str, kind: str = "application/json", *, then: str | None = None
) -> AsyncGenerator[str]:
    """The endpoint of a REST that answers everything alike, or not at all; `then` is its second page."""
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            if body == NO_ANSWER:
                await done.wait()
            text = then if then is not None and b"page=2" in head else body
            if status == OK and b"requestToken" in head:
                text = TOKEN
            lines = (
                f"HTTP/1.1 {status} Some",
                f"Content-Type: {kind}",
                f"Content-Length: {len(text)}",
                "Connection: close",
            )
            writer.write("\r\n".join((*lines, "", text)).encode())

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        done.set()


async def failure(endpoint: str, *, history_seconds: float = 30) -> HistoryUnavailable:
    """What reading a history there raises."""
    settings = AblySettings(api_key=SecretStr("app.main:secret-1"), endpoint=endpoint, tls=False)
    clock = SystemClock()
    history = AblyHistory(settings, replace(SHORT, history_seconds=history_seconds), clock)
    with pytest.raises(HistoryUnavailable) as caught:
        await history.read("growth", clock.now())
    await history.close()
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (404, "Not Found", "text/plain", 40400),
        (404, '{"detail":"Not Found"}', "application/json", 40400),
        (404, error(404, 40400), "application/json", 40400),
        (401, error(401, 40160), "application/json", 40160),
        (401, error(401, 40101), "application/json", 40101),
        (403, error(403, 40300), "application/json", 40300),
    ],
)
async def test_a_no_is_a_refusal(status: int, body: str, kind: str, code: int) -> None:
    """In Ably's own words or those of whatever stands before it."""
    async with rest(status, body, kind) as endpoint:
        raised = await failure(endpoint)

    assert type(raised) is HistoryRefused
    assert raised.fault.code == code


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (408, error(408, 40800)),
        (429, error(429, 42910)),
        (500, error(500, 50000)),
        (503, "busy"),
    ],
)
async def test_being_busy_is_no_refusal(status: int, body: str) -> None:
    """The next try may well succeed, so that waiting a little keeps the order."""
    async with rest(status, body) as endpoint:
        raised = await failure(endpoint)

    assert type(raised) is HistoryUnavailable


async def test_silence_is_no_refusal_either() -> None:
    """The wait for an answer is bounded."""
    async with rest(200, NO_ANSWER) as endpoint:
        raised = await failure(endpoint, history_seconds=0.3)

    assert type(raised) is HistoryUnavailable
    assert raised.fault.text == "no page came within 0.3 s; the next try waits for 0.6 s"


async def test_a_refused_connection_is_no_refusal_of_the_history() -> None:
    """Nobody answered at all."""
    async with rest(200, "[]") as endpoint:
        pass
    raised = await failure(endpoint)

    assert type(raised) is HistoryUnavailable


@pytest.mark.parametrize(
    "body",
    ["null", "7", '["text"]', "[null]", "[" * 100_000, "not"],
)
async def test_an_answer_over_which_the_sdk_stumbles_is_told_like_any_other_failure(body: str) -> None:
    """It raises TypeError, AttributeError and more; none of them may end the reading for good."""
    async with rest(200, body) as endpoint:
        raised = await failure(endpoint)

    assert type(raised) is HistoryUnavailable
    assert raised.fault.text


async def test_a_next_page_that_is_no_page_is_a_failure() -> None:
    """The SDK follows the link without its usual net, so that a bare TypeError comes out."""
    link = '\r\nLink: <./messages?page=2>; rel="next"'
    async with rest(200, "[]", f"application/json{link}", then="null") as endpoint:
        raised = await failure(endpoint)

    assert type(raised) is HistoryUnavailable


async def test_a_slow_line_gets_its_time_for_each_page() -> None:
    """A past of many pages comes, though all of them together take longer than one may."""
    pages, page_seconds, limit_seconds = 4, 0.8, 3
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        with closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            text, link = TOKEN, ""
            if b"requestToken" not in head:
                asked += 1
                text, link = "[]", '\r\nLink: <./messages?page=2>; rel="next"' if asked < pages else ""
                await SystemClock().pause(page_seconds)
            lines = (f"HTTP/1.1 {OK} Some", f"Content-Type: application/json{link}", f"Content-Length: {len(text)}")
            writer.write("\r\n".join((*lines, "Connection: close", "", text)).encode())

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        endpoint = f"127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        settings = AblySettings(api_key=SecretStr("app.main:secret-1"), endpoint=endpoint, tls=False)
        history = AblyHistory(settings, replace(SHORT, history_seconds=limit_seconds), SystemClock())
        try:
            past = await history.read("growth", SystemClock().now())
        finally:
            await history.close()

    assert asked == pages
    assert past.is_complete


@asynccontextmanager
async def slow_rest(page_seconds: float) -> AsyncGenerator[str]:
    """The endpoint of a REST that takes its time over an empty page, but not over a token."""
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            text = TOKEN
            if b"requestToken" not in await reader.readuntil(b"\r\n\r\n"):
                text = "[]"
                with suppress(TimeoutError):
                    await asyncio.wait_for(done.wait(), page_seconds)
            lines = (f"HTTP/1.1 {OK} Some", "Content-Type: application/json", f"Content-Length: {len(text)}")
            writer.write("\r\n".join((*lines, "Connection: close", "", text)).encode())

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        done.set()


async def test_a_slow_server_succeeds_in_the_end() -> None:
    """Each try waits twice as long as the one before, up to a limit, and says so; after a success all begins anew."""
    timing = replace(SHORT, history_seconds=0.25, history_longest_seconds=3)
    said: list[str] = []
    async with slow_rest(1.2) as endpoint:
        settings = AblySettings(api_key=SecretStr("app.main:secret-1"), endpoint=endpoint, tls=False)
        history = AblyHistory(settings, timing, SystemClock())
        read = None
        while read is None:
            try:
                read = await history.read("growth", SystemClock().now())
            except HistoryUnavailable as unavailable:
                said.append(unavailable.fault.text)
        with pytest.raises(HistoryUnavailable, match=r"within 0\.25 s"):
            await history.read("growth", SystemClock().now())
        await history.close()

    assert said[0] == "no page came within 0.25 s; the next try waits for 0.5 s"
    assert said[2] == "no page came within 1 s; the next try waits for 2 s"
    assert len(said) == 3


async def test_the_patience_with_a_silent_server_has_an_end() -> None:
    """It would be another host's turn, and the signals that came meanwhile are waited for."""
    timing = replace(SHORT, history_seconds=0.1, history_longest_seconds=0.15)
    async with rest(200, NO_ANSWER) as endpoint:
        settings = AblySettings(api_key=SecretStr("app.main:secret-1"), endpoint=endpoint, tls=False)
        history = AblyHistory(settings, timing, SystemClock())
        for expected in ("0.1 s; the next try waits for 0.15 s", "0.15 s; the next try waits for 0.15 s"):
            with pytest.raises(HistoryUnavailable, match=expected):
                await history.read("growth", SystemClock().now())
        await history.close()


async def test_the_sdk_gives_up_on_no_page_before_its_reader_does() -> None:
    """Left alone it ends each request after ten seconds of silence."""
    settings = AblySettings(api_key=SecretStr("app.main:secret-1"))
    client = open_rest_client(settings, "127.0.0.1", AblyTiming())

    assert client.http.http_request_timeout > AblyTiming().history_longest_seconds > AblyTiming().history_seconds

    await client.close()


async def test_a_refused_channel_does_not_break_the_reading_of_another() -> None:
    """They read side by side; what fails one of them is not closed under the other."""
    asked, refused = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            status, text = (401, error(401, 40160)) if b"/bad/" in head else (OK, "[]")
            if b"requestToken" in head:
                text = TOKEN
            elif b"/good/" in head:
                asked.set()
                await refused.wait()
            lines = (f"HTTP/1.1 {status} Some", "Content-Type: application/json", f"Content-Length: {len(text)}")
            writer.write("\r\n".join((*lines, "Connection: close", "", text)).encode())

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        endpoint = f"127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        settings = AblySettings(api_key=SecretStr("app.main:secret-1"), endpoint=endpoint, tls=False)
        history = AblyHistory(settings, replace(SHORT, history_seconds=30), SystemClock())
        good = asyncio.create_task(history.read("good", SystemClock().now()))
        await asked.wait()
        with pytest.raises(HistoryRefused):
            await history.read("bad", SystemClock().now())
        refused.set()
        past = await good
        await history.close()

    assert past.is_complete
    assert past.messages == ()
