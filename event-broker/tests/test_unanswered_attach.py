"""An Ably that connects and then ignores what it is asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgpack as untyped_msgpack
import pytest
from websockets.asyncio.server import ServerConnection, serve

from event_broker.testing.listening_rig import SHORT, ListeningRig
from event_queue.components import ComponentState

msgpack: Any = untyped_msgpack
Listen = Callable[..., Awaitable[ListeningRig]]
KEY: Final = "app.main:secret-1"
HEARTBEAT, CONNECTED, ATTACH, ATTACHED, DETACHED, MESSAGE = 0, 4, 10, 11, 13, 15


@dataclass
class DeafAbly:
    """Connects everybody, answers pings, and answers ATTACH with `answer` or, without one, not at all.

    With ATTACHED come two messages, which nothing tells from their repetition.
    """

    port: int = 0
    answer: int | None = None
    attaches: asyncio.Queue[str] = field(default_factory=asyncio.Queue[str])

    async def serve_one(self, connection: ServerConnection) -> None:
        """Speak just enough of the protocol."""
        details = {"connectionKey": "key", "maxIdleInterval": 15000, "connectionStateTtl": 120000}
        await _send(connection, {"action": CONNECTED, "connectionId": "one", "connectionDetails": details})
        async for raw in connection:
            frame = msgpack.unpackb(raw)
            if frame["action"] == HEARTBEAT:
                await _send(connection, frame)
            elif frame["action"] == ATTACH:
                self.attaches.put_nowait(frame["channel"])
                if self.answer is not None:
                    await _send(connection, {"action": self.answer, "channel": frame["channel"]})
                if self.answer == ATTACHED:
                    said = [{"data": f'{{"number": {number}}}', "encoding": "json"} for number in (1, 2)]
                    await _send(connection, {"action": MESSAGE, "channel": frame["channel"], "messages": said})


async def _send(connection: ServerConnection, frame: dict[str, Any]) -> None:
    await connection.send(msgpack.packb(frame))


@pytest.fixture
async def deaf() -> AsyncIterator[DeafAbly]:
    """A deaf Ably on a free port."""
    ably = DeafAbly()
    async with serve(ably.serve_one, "127.0.0.1", 0) as server:
        ably.port = next(iter(server.sockets)).getsockname()[1]
        yield ably


async def tried_again(deaf: DeafAbly) -> None:
    """Wait for three attempts to attach."""
    async with asyncio.timeout(10):
        for _ in range(3):
            await deaf.attaches.get()


async def test_an_attach_without_an_answer_is_tried_again(deaf: DeafAbly, listen: Listen) -> None:
    """The SDK gives up waiting and suspends the channel; the report says so and a new attempt follows."""
    rig = await listen(DU1="growth", options={"endpoint": f"127.0.0.1:{deaf.port}/", "key": KEY})

    report = await rig.wait_health(lambda report: report.facts["channels"] == {"growth": "suspended"})
    await tried_again(deaf)

    assert report.state is ComponentState.DEGRADED
    assert "growth is suspended (90007" in report.detail
    assert rig.health.report().facts["reconnects"] == 0


async def test_a_subscribe_that_does_not_return_is_given_up(deaf: DeafAbly, listen: Listen) -> None:
    """Our own bound holds when the SDK has none: the channel is begun anew on the same connection."""
    timing = replace(SHORT, request_seconds=20, attach_seconds=0.1)
    rig = await listen(DU1="growth", options={"endpoint": f"127.0.0.1:{deaf.port}/", "key": KEY, "timing": timing})

    await tried_again(deaf)

    report = rig.health.report()
    assert (report.state, report.facts["connection"]) == (ComponentState.DEGRADED, "connected")


async def test_a_channel_detached_while_attaching_is_tried_again(deaf: DeafAbly, listen: Listen) -> None:
    """An attach answered by DETACHED, over which the SDK stumbles, is a channel that is down like any other."""
    deaf.answer = DETACHED
    rig = await listen(DU1="growth", options={"endpoint": f"127.0.0.1:{deaf.port}/", "key": KEY})

    await rig.wait_health(lambda report: report.facts["channels"] == {"growth": "suspended"})
    await tried_again(deaf)

    assert rig.health.report().facts["connection"] == "connected"


async def test_after_failed_subscribes_a_message_is_heard_once(deaf: DeafAbly, listen: Listen) -> None:
    """The SDK keeps the listener of each subscribe that failed; here none of them hears anything any more."""
    rig = await listen(DU1="growth", options={"endpoint": f"127.0.0.1:{deaf.port}/", "key": KEY})
    await tried_again(deaf)

    deaf.answer = ATTACHED
    await rig.wait_health(lambda report: report.facts["channels"] == {"growth": "attached"})
    events = await rig.intake.wait_taken(2)

    assert [event.data for event in events] == [{"number": 1}, {"number": 2}]


async def test_a_server_that_never_speaks_is_left(listen: Listen) -> None:
    """A port that takes connections and stays mute counts as unreachable, and is tried again."""
    connections: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.put_nowait(writer)

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as mute:
        port = mute.sockets[0].getsockname()[1]
        timing = replace(SHORT, request_seconds=0.3)
        rig = await listen(DU1="growth", options={"endpoint": f"127.0.0.1:{port}/", "timing": timing})

        down = await rig.wait_health(lambda report: report.state is ComponentState.DOWN)
        async with asyncio.timeout(10):
            for _ in range(2):
                (await connections.get()).close()

    assert "cannot be reached" in down.detail
