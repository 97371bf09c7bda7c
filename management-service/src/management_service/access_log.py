"""One log line per request, without headers, queries or bodies; and the headers that every answer carries."""

import asyncio

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = structlog.get_logger(__name__)

_QUIET_PATHS = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})
"""Asked every few seconds by probes: told at DEBUG."""


class AccessLog:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, then log what was asked, what was answered and how long it took."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started = asyncio.get_running_loop().time()

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update({"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"})
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        finally:
            _tell(scope, status, asyncio.get_running_loop().time() - started)


def _tell(scope: Scope, status: int, seconds: float) -> None:
    client = scope.get("client")
    log = _log.debug if scope["path"] in _QUIET_PATHS else _log.info
    log(
        "request_served",
        method=scope["method"],
        path=scope["path"],
        status=status,
        duration_ms=round(seconds * 1000, 1),
        client=client[0] if client else None,
    )
