"""The allocations API as a client meets it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from starlette.applications import Starlette

from sandbox.allocations import AllocationBook, AllocationsApi, AllocationsSpec, ChannelAnswer
from sandbox.listener import Listener

CHANNEL = "etf-blend-301-20"
URL = f"/api/v1/{CHANNEL}/allocations"
SPEC = AllocationsSpec.model_validate({"key": "right", "channels": {CHANNEL: {"QQQ": 0.6, "BTAL": 0.4}}})


@pytest.fixture
def book() -> AllocationBook:
    """The API's state, with one channel."""
    return AllocationBook(SPEC)


@pytest.fixture
async def http(book: AllocationBook) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the right key."""
    listener = Listener(Starlette(routes=AllocationsApi(book).routes()))
    await listener.start()
    headers = {"Authorization": "Bearer right"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.port}", headers=headers, timeout=5) as client:
        yield client
    await listener.stop()


async def test_documented_format(http: httpx.AsyncClient) -> None:
    """The answer has the documented shape, symbols in the order of the specification."""
    answer = await http.get(URL)

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "success",
        "data": {
            "allocations": [{"symbol": "QQQ", "allocation": 0.6}, {"symbol": "BTAL", "allocation": 0.4}],
            "name": CHANNEL,
            "strategy_long_name": "Etf Blend 301 20",
            "last_rebalance_on": "2025-06-24",
            "as_of": "2025-06-24",
        },
    }


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer", "Basic right", "right"])
async def test_key_is_required(http: httpx.AsyncClient, book: AllocationBook, authorization: str | None) -> None:
    """Without the right bearer key the answer is 401 in JSON, and the request is recorded as unauthorized."""
    del http.headers["Authorization"]

    answer = await http.get(URL, headers={"Authorization": authorization} if authorization else {})

    assert (answer.status_code, answer.json()["status"]) == (401, "error")
    assert not book.requests[0].authorized


async def test_unknown_channel(http: httpx.AsyncClient) -> None:
    """A channel that nobody set up is 404."""
    answer = await http.get("/api/v1/nobody/allocations")

    assert (answer.status_code, answer.json()["message"]) == (404, "unknown strategy nobody")


async def test_requests_are_recorded_without_the_key(http: httpx.AsyncClient, book: AllocationBook) -> None:
    """A test can see that and how the API was asked, and cannot see the key."""
    await http.get(URL, headers={"User-Agent": "rebalancer"})

    (request,) = book.requests
    assert (request.channel, request.has_bearer, request.authorized, request.status) == (CHANNEL, True, True, 200)
    assert {"authorization", "user-agent"} <= request.headers
    assert "right" not in repr(request)


@pytest.mark.parametrize(
    ("answer", "status", "content"),
    [
        pytest.param({"kind": "raw", "raw": '{"status":'}, 200, b'{"status":', id="cut-off"),
        pytest.param({"kind": "raw", "raw": "busy", "status": 503}, 503, b"busy", id="raw-with-status"),
        pytest.param({"kind": "garbage"}, 200, b"\x00\xff<html>not what you asked for", id="garbage"),
    ],
)
async def test_broken_bodies(
    http: httpx.AsyncClient, book: AllocationBook, answer: dict[str, Any], status: int, content: bytes
) -> None:
    """Bodies that are no document go out byte for byte."""
    book.set_answer(CHANNEL, ChannelAnswer.model_validate(answer))

    reply = await http.get(URL)

    assert (reply.status_code, reply.content) == (status, content)


async def test_wrong_documents(http: httpx.AsyncClient, book: AllocationBook) -> None:
    """Documents may be empty, say that they failed, or come with an HTTP error."""
    book.set_answer(CHANNEL, ChannelAnswer(kind="empty", weights={"QQQ": 1.0}))
    empty = await http.get(URL)
    book.set_answer(CHANNEL, ChannelAnswer(kind="wrong_status", weights={"QQQ": 1.0}))
    failed = await http.get(URL)
    book.set_answer(CHANNEL, ChannelAnswer(weights={"QQQ": 1.0}, status=500))
    broken = await http.get(URL)

    assert empty.json()["data"]["allocations"] == []
    assert (failed.json()["status"], len(failed.json()["data"]["allocations"])) == ("error", 1)
    assert (broken.status_code, broken.json()["status"]) == (500, "success")


async def test_hang_lasts_until_the_client_leaves(http: httpx.AsyncClient, book: AllocationBook) -> None:
    """A hanging channel never answers, while others go on answering."""
    book.set_answer("stuck", ChannelAnswer(kind="hang"))
    hanging = asyncio.create_task(http.get("/api/v1/stuck/allocations"))
    async with asyncio.timeout(5):
        await book.wait_requests("stuck")

    answer = await http.get(URL)
    assert answer.status_code == 200
    assert not hanging.done()

    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    assert book.requests[0].status is None


async def test_delay(http: httpx.AsyncClient, book: AllocationBook) -> None:
    """A delayed answer comes no earlier than it should."""
    book.set_answer(CHANNEL, ChannelAnswer(weights={"QQQ": 1.0}, delay_seconds=0.1))
    start = asyncio.get_running_loop().time()

    await http.get(URL)

    assert asyncio.get_running_loop().time() - start >= 0.1


async def test_weights_change_and_go_back(http: httpx.AsyncClient, book: AllocationBook) -> None:
    """New weights count for the next request; reset brings back the specification; a removed channel is unknown."""
    book.set_weights(CHANNEL, {"SPY": 1.0})
    changed = await http.get(URL)
    book.reset()
    restored = await http.get(URL)
    book.remove(CHANNEL)
    removed = await http.get(URL)

    assert changed.json()["data"]["allocations"] == [{"symbol": "SPY", "allocation": 1.0}]
    assert len(restored.json()["data"]["allocations"]) == 2
    assert removed.status_code == 404


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param({"kind": "explode"}, id="kind"),
        pytest.param({"weights": {"QQQ": "much"}}, id="weight"),
        pytest.param({"raw": "text"}, id="raw-without-kind"),
        pytest.param({"status": 99}, id="status"),
        pytest.param({"wieghts": {}}, id="typo"),
    ],
)
def test_bad_answers_are_refused(bad: dict[str, Any]) -> None:
    """A mistake in a script is an error, not a silent default."""
    with pytest.raises(ValidationError):
        ChannelAnswer.model_validate(bad)
