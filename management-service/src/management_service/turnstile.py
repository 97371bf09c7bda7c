"""How many requests are worked on at once; the others wait in line, so that a crowd is served late and not refused."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from management_service.problems import Problem, problem_response

_AT_ONCE: Final = 16
"""Fewer than the connections to Redis; what is in work gets its answers before any time limit."""
_LONGEST_WAIT_SECONDS: Final = 20.0
_HISTORY: Final = "/events"
_HISTORY_AT_ONCE: Final = 4
"""In a line of their own: while PostgreSQL hangs, readers of the history take no turn of those who ask Redis."""
_NEVER_WAITS: Final = "/health/live"
"""It asks nothing of anybody, and a container that answers it late is restarted."""

_log = structlog.get_logger(__name__)

_BUSY = Problem(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "too many requests are waiting; nothing was done about this one",
    kind="busy",
    title="The service is busy",
    headers={"Retry-After": "5"},
)


class Turnstile:
    """ASGI middleware: first come, first served, 16 at once, and of those who read the history 4 more.

    A turn is given up while the client is waited for, so that slow clients hold up nobody.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        at_once: int = _AT_ONCE,
        history_at_once: int = _HISTORY_AT_ONCE,
        longest_wait_seconds: float = _LONGEST_WAIT_SECONDS,
    ) -> None:
        self._app = app
        self._free = asyncio.Semaphore(at_once)
        self._free_for_history = asyncio.Semaphore(history_at_once)
        self._longest_wait_seconds = longest_wait_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request when its turn has come."""
        if scope["type"] != "http" or scope["path"] == _NEVER_WAITS:
            await self._app(scope, receive, send)
            return
        turn = _Turn(self._free_for_history if scope["path"] == _HISTORY else self._free)
        try:
            async with asyncio.timeout(self._longest_wait_seconds):
                await turn.take()
        except TimeoutError:
            _log.warning("request_not_served", reason="too many are waiting")
            await problem_response(_BUSY, instance=scope["path"])(scope, receive, send)
            return
        try:
            await self._app(scope, _between_turns(turn, receive), _after_the_turn(turn, send))
        finally:
            turn.give_back()


class _Turn:
    """One request's place among those in work; giving it back twice is harmless."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self._is_held = False

    async def take(self) -> None:
        await self._free.acquire()
        self._is_held = True

    def give_back(self) -> None:
        if self._is_held:
            self._is_held = False
            self._free.release()


def _between_turns(turn: _Turn, receive: Receive) -> Callable[[], Awaitable[Message]]:
    async def wait_for_client() -> Message:
        turn.give_back()
        message = await receive()
        await turn.take()
        return message

    return wait_for_client


def _after_the_turn(turn: _Turn, send: Send) -> Callable[[Message], Awaitable[None]]:
    """Every answer is complete when it begins to be sent."""

    async def send_answer(message: Message) -> None:
        turn.give_back()
        await send(message)

    return send_answer
