"""The allocations API over HTTP."""

import asyncio
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.allocations.answers import ChannelAnswer
from sandbox.allocations.book import AllocationBook, RecordedRequest

PATH = "/api/v1/{channel}/allocations"


class AllocationsApi:
    """`GET /api/v1/{channel}/allocations` with a bearer key, answered from the book."""

    def __init__(self, book: AllocationBook) -> None:
        self._book = book

    def routes(self) -> list[Route]:
        """The one route; its path begins with `/api/v1`."""
        return [Route(PATH, self._allocations, methods=["GET"])]

    async def _allocations(self, request: Request) -> Response:
        channel = request.path_params["channel"]
        bearer = _bearer(request)
        answer = self._book.answer(channel)
        refusal = self._refusal(channel, bearer, answer)
        status = refusal.status_code if refusal else _status(answer)
        headers = frozenset(request.headers.keys())
        self._book.record(RecordedRequest(channel, headers, bearer is not None, self._book.accepts(bearer), status))
        if refusal is not None or answer is None:
            return refusal or _error(404, channel)
        return await _reply(request, channel, answer)

    def _refusal(self, channel: str, bearer: str | None, answer: ChannelAnswer | None) -> Response | None:
        if not self._book.accepts(bearer):
            return _error(401, "a valid key is required: Authorization: Bearer KEY")
        if answer is None:
            return _error(404, f"unknown strategy {channel}")
        return None


def _status(answer: ChannelAnswer | None) -> int | None:
    return answer.status if answer is not None and answer.kind != "hang" else None


async def _reply(request: Request, channel: str, answer: ChannelAnswer) -> Response:
    await _wait(request, None if answer.kind == "hang" else answer.delay_seconds)
    body = answer.body(channel)
    if isinstance(body, bytes):
        return Response(body, answer.status, media_type="application/json")
    return JSONResponse(body, answer.status)


async def _wait(request: Request, seconds: float | None) -> None:
    """Let the time pass (for ever, if None), but no longer than the client stays."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass


def _bearer(request: Request) -> str | None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" and key else None


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"status": "error", "message": message}, status)
