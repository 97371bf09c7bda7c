"""The port under every HTTP service of the sandbox."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.listener import Listener


async def hello(_request: Request) -> Response:
    """Answer at once."""
    return PlainTextResponse("hello")


async def never(_request: Request) -> Response:
    """Do not answer, whatever happens."""
    await asyncio.Event().wait()
    return PlainTextResponse("too late")


APP = Starlette(routes=[Route("/", hello), Route("/never", never)])


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """A listener that does not listen yet; whatever happens, it does not when the test is over."""
    listener = Listener(APP)
    yield listener
    await listener.stop()


async def get(listener: Listener, path: str = "/") -> str:
    """The text of an answer."""
    async with httpx.AsyncClient() as http:
        return (await http.get(f"http://127.0.0.1:{listener.port}{path}")).text


async def test_port_stays_the_same(listener: Listener) -> None:
    """A listener that was stopped comes back on the port that it first found."""
    await listener.start()
    port = listener.port
    assert (await get(listener), listener.is_listening) == ("hello", True)

    await listener.stop()
    with pytest.raises(httpx.ConnectError):
        await get(listener)
    await listener.start()

    assert (await get(listener), listener.port) == ("hello", port)


async def test_start_and_stop_can_be_repeated(listener: Listener) -> None:
    """Starting twice and stopping twice is no error."""
    await listener.start()
    await listener.start()
    assert await get(listener) == "hello"

    await listener.stop()
    await listener.stop()
    assert not listener.is_listening
    assert listener.drop_connections() == 0


async def test_taken_port(listener: Listener) -> None:
    """A port that somebody else has is an OSError, and leaves no listener behind."""
    await listener.start()
    second = Listener(APP, port=listener.port)

    with pytest.raises(OSError, match="in use"):
        await second.start()

    assert not second.is_listening


async def test_stop_does_not_wait_for_handlers_that_never_end(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """A request that hangs is cut off and its handler ended, quietly."""
    await listener.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(b"GET /never HTTP/1.1\r\nHost: sandbox\r\n\r\n")
    await writer.drain()
    assert await get(listener) == "hello"

    async with asyncio.timeout(5):
        await listener.stop()

    with pytest.raises(asyncio.IncompleteReadError):
        await reader.readexactly(1)
    writer.close()
    assert caplog.records == []


async def test_dropping_leaves_the_port_open(listener: Listener) -> None:
    """Dropped clients may come back at once."""
    await listener.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: sandbox\r\n\r\n")
    assert await reader.readuntil(b"hello")

    assert listener.drop_connections() == 1

    with pytest.raises(asyncio.IncompleteReadError):
        await reader.readexactly(1)
    writer.close()
    assert await get(listener) == "hello"
