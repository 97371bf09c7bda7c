"""The stores as actors see them: each call waits to be chosen, and may be lost on its way or on the way back."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError

from chaos.explorer.choices import Choices, Fate, Killed
from event_queue.errors import AuditUnavailable
from event_queue.postgres_pool import AuditPool


class ChoiceClient:
    """A Redis client for actors."""

    def __init__(self, client: Any, choices: Choices) -> None:
        self._client = client
        self._choices = choices
        self.pipeline: Callable[..., Any] = client.pipeline
        """Checks the types of the keys, which nobody changes here: no choice."""
        self.set_response_callback: Callable[..., None] = client.set_response_callback
        """How replies are read is no call."""

    def __getattr__(self, name: str) -> Any:
        """A command, as a call to be chosen."""
        command = getattr(self._client, name)

        async def chosen(*args: Any, **more: Any) -> Any:
            fate = await self._choices.turn(f"redis {name}")
            if fate is Fate.LOST:
                raise RedisConnectionError("lost on purpose, on its way")
            reply = await command(*args, **more)
            _come_back(fate, RedisConnectionError("lost on purpose, on the way back"))
            return reply

        return chosen


class ChoicePool(AuditPool):
    """Connections to PostgreSQL for actors: each use is one call."""

    def __init__(self, pool: AuditPool, choices: Choices) -> None:
        self._inner = pool
        self._choices = choices

    @asynccontextmanager
    async def connection(self, action: str) -> AsyncGenerator[Any]:
        """A connection, once it is chosen.

        Raises:
            AuditUnavailable: the call, or its reply, was lost.
        """
        fate = await self._choices.turn(f"postgres {action}")
        if fate is Fate.LOST:
            raise AuditUnavailable(f"{action}: lost on purpose, on its way")
        async with self._inner.connection(action) as connection:
            yield connection
        _come_back(fate, AuditUnavailable(f"{action}: lost on purpose, on the way back"))


def _come_back(fate: Fate, lost: Exception) -> None:
    if fate is Fate.KILLED_AFTER:
        raise Killed
    if fate is Fate.REPLY_LOST:
        raise lost
