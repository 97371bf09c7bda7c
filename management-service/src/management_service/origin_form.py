"""Requests whose target is a whole URL, `GET http://host/health HTTP/1.1`, as clients of a proxy write them.

A server has to take them (RFC 9112, 3.2.2), and the host in them counts instead of the header's. uvicorn hands the
whole URL on as if it were a path, so they are put into the usual form before anybody looks.
"""

import re
from typing import Final, cast
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

_ABSOLUTE: Final = re.compile(rb"https?://([^/]*)(.*)", re.IGNORECASE | re.DOTALL)


class OriginForm:
    """ASGI middleware around everything that asks for a path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request under its path."""
        absolute = _ABSOLUTE.fullmatch(scope["raw_path"]) if scope["type"] == "http" else None
        if absolute:
            host, raw_path = absolute[1], absolute[2] or b"/"
            path = unquote(raw_path.decode("ascii"))
            scope = {**scope, "path": path, "raw_path": raw_path, "headers": _with_host(scope, host)}
        await self._app(scope, receive, send)


def _with_host(scope: Scope, host: bytes) -> list[tuple[bytes, bytes]]:
    headers = cast("list[tuple[bytes, bytes]]", scope["headers"])
    return [(b"host", host), *((name, value) for name, value in headers if name != b"host")]
