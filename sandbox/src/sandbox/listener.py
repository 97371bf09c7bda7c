"""One TCP port that serves an ASGI application and can be cut off like a network cable."""

import asyncio
import socket
from contextlib import suppress
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config, Server

STOP_GRACE_SECONDS = 1.0
BACKLOG = 128


class Listener:
    """Serves `app` on one port; unlike a plain server it can drop every connection at once.

    The port number is fixed by the first `start` and kept through `stop` and a second `start`, so that clients can
    be refused for a while and then find the same address again.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._server: Server | None = None

    @property
    def port(self) -> int:
        """The port in use; the requested one, perhaps 0, before the first start."""
        return self._port

    @property
    def is_listening(self) -> bool:
        """Whether new connections are taken."""
        return self._server is not None

    async def start(self) -> None:
        """Listen. Does nothing when already listening; raises OSError when the port is taken."""
        if self._server is not None:
            return
        sock = bind(self._host, self._port)
        self._port = sock.getsockname()[1]
        self._server = await _serve(self._handle, sock)

    async def stop(self) -> None:
        """Refuse new connections and abort the present ones; returns when their handlers have ended."""
        server, self._server = self._server, None
        if server is None:
            return
        for listening in server.servers:
            listening.close()
        _abort(server)
        await _drain(server)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; only `stop` cancels its tasks, and for them uvicorn shall not report a crash."""
        with suppress(asyncio.CancelledError):
            await self._app(scope, receive, send)

    def drop_connections(self) -> int:
        """Abort every open connection, without a closing handshake; returns how many there were."""
        return 0 if self._server is None else _abort(self._server)


def bind(host: str, port: int) -> socket.socket:
    """A TCP socket bound to the address and not yet listening; port 0 takes any free one."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


async def _serve(app: ASGIApp, sock: socket.socket) -> Server:
    """Start uvicorn without its main loop: no signal handlers, no ticking, an immediate stop."""
    config = Config(
        app,
        interface="asgi3",
        ws="websockets-sansio",
        ws_ping_interval=None,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
    )
    config.load()
    server = Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[sock])
    return server


def _abort(server: Server) -> int:
    connections = list(server.server_state.connections)
    for connection in connections:
        transport: Any = connection.transport
        transport.abort()
    return len(connections)


async def _drain(server: Server) -> None:
    tasks = set(server.server_state.tasks)
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=STOP_GRACE_SECONDS)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=STOP_GRACE_SECONDS)
