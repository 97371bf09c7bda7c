"""How many requests are worked on at once; the others wait in line, so that a crowd is served late and not refused."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from management_service.errors import Refused
from management_service.problems import Problem, problem_response

_AT_ONCE: Final = 16
"""Fewer than the connections to Redis; what is in work gets its answers before any time limit."""
_LONGEST_WAIT_SECONDS: Final = 20.0
_HISTORY: Final = re.compile("/events|/trading|/queue/events/.+")
_HISTORY_AT_ONCE: Final = 4
"""In a line of their own: while PostgreSQL hangs, readers of the history take no turn of those who ask Redis."""
_PATIENCE_SECONDS: Final = 10.0
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

    A turn is given up while the client is waited for, so that slow clients hold up nobody. A client may be waited for
    so long in all; then `receive` raises TimeoutError. The time that the request itself waits in line does not count.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        at_once: int = _AT_ONCE,
        history_at_once: int = _HISTORY_AT_ONCE,
        longest_wait_seconds: float = _LONGEST_WAIT_SECONDS,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        self._app = app
        self._free = asyncio.Semaphore(at_once)
        self._free_for_history = asyncio.Semaphore(history_at_once)
        self._longest_wait_seconds = longest_wait_seconds
        self._patience_seconds = patience_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request when its turn has come."""
        if scope["type"] != "http" or scope["path"] == _NEVER_WAITS:
            await self._app(scope, receive, send)
            return
        turn = _Turn(self._line_of(scope), self._longest_wait_seconds)
        try:
            await turn.take()
        except Refused as refused:
            await problem_response(refused.problem, instance=scope["path"])(scope, receive, send)
            return
        waiting = _BetweenTurns(turn, receive, self._patience_seconds)
        try:
            await self._app(scope, waiting.receive, _after_the_turn(turn, send))
        finally:
            turn.give_back()

    def _line_of(self, scope: Scope) -> asyncio.Semaphore:
        reads_history = scope["method"] == "GET" and _HISTORY.fullmatch(scope["path"])
        return self._free_for_history if reads_history else self._free


class _Turn:
    """One request's place among those in work; giving it back twice is harmless."""

    def __init__(self, free: asyncio.Semaphore, longest_wait_seconds: float) -> None:
        self._free = free
        self._longest_wait_seconds = longest_wait_seconds
        self._is_held = False

    async def take(self) -> None:
        """Wait in line.

        Raises:
            Refused: 503, too many are waiting.
        """
        try:
            async with asyncio.timeout(self._longest_wait_seconds):
                await self._free.acquire()
        except TimeoutError as error:
            _log.warning("request_not_served", reason="too many are waiting")
            raise Refused(_BUSY) from error
        self._is_held = True

    def give_back(self) -> None:
        if self._is_held:
            self._is_held = False
            self._free.release()


class _BetweenTurns:
    """Waits for the client without holding a turn, and not for ever."""

    def __init__(self, turn: _Turn, receive: Receive, patience_seconds: float) -> None:
        self._turn = turn
        self._receive = receive
        self._patience_seconds = patience_seconds

    async def receive(self) -> Message:
        """What the client sends next.

        Raises:
            TimeoutError: the client has been waited for too long, all in all.
            Refused: 503, too many are waiting.
        """
        self._turn.give_back()
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with asyncio.timeout(self._patience_seconds):
            message = await self._receive()
        self._patience_seconds -= loop.time() - started
        await self._turn.take()
        return message


def _after_the_turn(turn: _Turn, send: Send) -> Callable[[Message], Awaitable[None]]:
    """Every answer is complete when it begins to be sent."""

    async def send_answer(message: Message) -> None:
        turn.give_back()
        await send(message)

    return send_answer
