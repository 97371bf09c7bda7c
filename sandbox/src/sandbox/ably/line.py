"""The stretch of network in front of the service, which can go silent or answer that nobody is at home."""

import asyncio

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from sandbox.ably.errors import UnavailableError


class Line:
    """Wraps the service's ASGI application; every frame that is sent or received passes `is_silent` or `open` too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open = asyncio.Event()
        self._open.set()
        self.unavailable = False

    @property
    def is_silent(self) -> bool:
        """Whether the line is a black hole: connections stay open, and nothing comes out of them."""
        return not self._open.is_set()

    def black_hole(self) -> None:
        """Answer nothing and send nothing until `heal`."""
        self._open.clear()

    def heal(self) -> None:
        """Go on; what was to be sent meanwhile is sent now, what was received meanwhile is lost."""
        self._open.set()

    async def wait_open(self) -> None:
        """Return as soon as the line is not silent."""
        await self._open.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request or websocket on."""
        await self.wait_open()
        if self.unavailable:
            await _answer_unavailable(scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def _answer_unavailable(scope: Scope, receive: Receive, send: Send) -> None:
    error = UnavailableError("the service is down")
    response = JSONResponse({"error": error.to_wire()}, status_code=error.status)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)
