"""The wire itself, seen by a client that is not the SDK."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sandbox.ably import AblyServer, AblySpec, KeySpec

KEY = "app.main:secret-1"
CHANNEL = "growth"


@pytest.fixture
async def server() -> AsyncIterator[AblyServer]:
    """A service that forgets messages sooner than connections, and is quick with heartbeats."""
    spec = AblySpec(keys=(KeySpec(key=KEY),), retention_seconds=60, max_idle_interval_seconds=0.1)
    async with AblyServer(spec) as running:
        yield running


@pytest.fixture
async def dial(server: AblyServer) -> AsyncIterator[Callable[..., Any]]:
    """Open a websocket with query parameters."""
    async with AsyncExitStack() as stack:

        async def run(query: str = f"key={KEY}") -> ClientConnection:
            return await stack.enter_async_context(connect(f"ws://{server.endpoint}?{query}"))

        yield run


async def next_frame(socket: ClientConnection, action: int) -> dict[str, Any]:
    """The next frame of that action; heartbeats and others in between are skipped."""
    async with asyncio.timeout(10):
        while (frame := json.loads(await socket.recv()))["action"] != action:
            pass
    return frame


async def test_connected_and_heartbeats(dial: Callable[..., Any]) -> None:
    """CONNECTED announces key and times; heartbeats follow without being asked for."""
    socket = await dial()

    connected = await next_frame(socket, 4)
    await next_frame(socket, 0)

    details = connected["connectionDetails"]
    assert connected["connectionKey"] == details["connectionKey"]
    assert (details["maxIdleInterval"], details["connectionStateTtl"]) == (100, 120_000)


async def test_close_is_answered_and_ends_resumability(dial: Callable[..., Any]) -> None:
    """CLOSE is answered by CLOSED and the end of the socket; the connection cannot be resumed any more."""
    socket = await dial()
    connected = await next_frame(socket, 4)

    await socket.send(json.dumps({"action": 7}))
    await next_frame(socket, 8)
    with pytest.raises(ConnectionClosed):
        await next_frame(socket, -1)

    again = await next_frame(await dial(f"key={KEY}&resume={connected['connectionKey']}"), 4)
    assert again["connectionId"] != connected["connectionId"]
    assert again["error"]["code"] == 80018


@pytest.mark.parametrize(
    ("query", "code"), [("", 40101), ("key=app.main", 40101), ("key=no.such:key", 40101), ("accessToken=none", 40140)]
)
async def test_credentials(dial: Callable[..., Any], query: str, code: int) -> None:
    """Without valid credentials there is an ERROR frame and nothing else."""
    socket = await dial(query)

    assert (await next_frame(socket, 9))["error"]["code"] == code
    with pytest.raises(ConnectionClosed):
        await next_frame(socket, 4)


@pytest.mark.parametrize("raw", ["{", "[]", '"text"'])
async def test_nonsense_ends_the_connection(dial: Callable[..., Any], raw: str) -> None:
    """A frame that is no object is answered with an ERROR."""
    socket = await dial()

    await socket.send(raw)

    assert (await next_frame(socket, 9))["error"]["code"] == 40000


async def test_unknown_actions_are_ignored(dial: Callable[..., Any]) -> None:
    """A frame of another kind (presence, say) does no harm."""
    socket = await dial()

    await socket.send(json.dumps({"action": 14, "channel": CHANNEL}))
    await socket.send(json.dumps({"action": 0, "id": "ping"}))

    frame = await next_frame(socket, 0)
    while "id" not in frame:
        frame = await next_frame(socket, 0)
    assert frame["id"] == "ping"


@pytest.mark.parametrize("rewind", ["soon", "-1", "2h", ""])
async def test_bad_rewind_fails_the_channel(dial: Callable[..., Any], rewind: str) -> None:
    """A rewind that makes no sense is an ERROR of the channel only."""
    socket = await dial()

    await socket.send(json.dumps({"action": 10, "channel": CHANNEL, "params": {"rewind": rewind}}))

    error = await next_frame(socket, 9)
    assert (error["channel"], error["error"]["code"]) == (CHANNEL, 40000)


async def attach(socket: ClientConnection, serial: str | None = None) -> dict[str, Any]:
    """Attach and return the ATTACHED frame."""
    await socket.send(json.dumps({"action": 10, "channel": CHANNEL} | ({"channelSerial": serial} if serial else {})))
    return await next_frame(socket, 11)


async def test_message_frame(server: AblyServer, dial: Callable[..., Any]) -> None:
    """A MESSAGE carries the channel's serial, and its message an id of three parts that begins with the frame's."""
    socket = await dial()
    attached = await attach(socket)

    server.publish(CHANNEL, {"n": 1})
    frame = await next_frame(socket, 15)

    (message,) = frame["messages"]
    assert message["id"] == f"{frame['id']}:0"
    assert (message["data"], message["encoding"]) == ('{"n": 1}', "json")
    assert frame["channelSerial"] > attached["channelSerial"]


async def test_no_resume_from_another_life(server: AblyServer, dial: Callable[..., Any]) -> None:
    """A serial of a service that has since been replaced, or no serial at all, resumes nothing."""
    socket = await dial()
    server.publish(CHANNEL, "before")

    for serial in ("000000000000@000000000000", "nonsense"):
        assert not (await attach(socket, serial))["flags"] & 4


async def test_own_messages_are_not_echoed_when_unwanted(dial: Callable[..., Any], server: AblyServer) -> None:
    """With echo=false a client does not hear itself, only the others."""
    socket = await dial(f"key={KEY}&echo=false")
    await attach(socket)

    await socket.send(json.dumps({"action": 15, "channel": CHANNEL, "msgSerial": 0, "messages": [{"data": "own"}]}))
    await next_frame(socket, 1)
    server.publish(CHANNEL, "other")

    assert (await next_frame(socket, 15))["messages"][0]["data"] == "other"


async def test_repeated_publish_after_a_resume(dial: Callable[..., Any], server: AblyServer) -> None:
    """A publish sent again on the resumed connection is acknowledged again and delivered once."""
    listener = await dial()
    await attach(listener)
    first = await dial()
    key = (await next_frame(first, 4))["connectionKey"]
    publish = json.dumps({"action": 15, "channel": CHANNEL, "msgSerial": 0, "messages": [{"data": "once"}]})
    await first.send(publish)
    await next_frame(first, 1)

    second = await dial(f"key={KEY}&resume={key}")
    await second.send(publish)
    await next_frame(second, 1)
    server.publish(CHANNEL, "end")

    received = [(await next_frame(listener, 15))["messages"][0]["data"] for _ in range(2)]
    assert received == ["once", "end"]


async def test_unavailable(server: AblyServer, dial: Callable[..., Any]) -> None:
    """An unavailable service answers the upgrade with 503."""
    server.set_unavailable()

    with pytest.raises(InvalidStatus) as refusal:
        await dial()

    assert refusal.value.response.status_code == 503
