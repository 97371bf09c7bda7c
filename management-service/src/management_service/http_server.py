"""Serving an ASGI application until the service stops; signals stay with the lifecycle."""

import asyncio
import contextlib
import socket
from collections.abc import Generator

import structlog
import uvicorn
from starlette.types import ASGIApp

from management_service.bounded_protocol import BoundedProtocol

_GRACE_SECONDS = 5
_MOST_CONNECTIONS = 512
_IDLE_SECONDS = 15
"""Longer than common clients keep an idle connection, so that they do not use one that is just being closed."""

_log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, before anything is served, so that a taken port is an OSError of the start.

    Its connections send at once. Otherwise an answer's second packet waits for the client to confirm the first, which
    clients put off for 40 ms; asyncio sees to that itself only for sockets that it has made.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def serve_http(
    app: ASGIApp,
    listener: socket.socket,
    stopping: asyncio.Event,
    *,
    protocol: type[BoundedProtocol] = BoundedProtocol,
) -> None:
    """Serve until `stopping` is set; requests under way then get five seconds to end."""
    config = uvicorn.Config(
        app,
        http=protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config)
    _log.info("http_listening", address=":".join(str(part) for part in listener.getsockname()[:2]))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.cancel()
        server.should_exit = True
    await serving
