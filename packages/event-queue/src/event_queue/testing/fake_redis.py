"""The queue on a Redis imitated in this process: fast, without persistence, memory limit or real clients."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import fakeredis
from redis.exceptions import ResponseError

from event_queue.keys import QueueKeys
from event_queue.redis_queue import RedisQueue, assemble

_FakeAsyncRedis: Any = fakeredis.FakeAsyncRedis


class _Client(_FakeAsyncRedis):
    """A client that takes several commands together, as `QuickClient` does."""

    async def execute_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Nothing fails here that would have to be repeated."""
        return await self.execute_together(*commands)

    async def execute_together(self, *commands: tuple[Any, ...]) -> list[Any]:
        """Send one after another."""
        return [await self._reply_to(command) for command in commands]

    async def _reply_to(self, command: tuple[Any, ...]) -> Any:
        try:
            return await self.execute_command(*command)
        except ResponseError as refusal:
            return refusal


@asynccontextmanager
async def fake_queue(key_prefix: str = "") -> AsyncGenerator[RedisQueue]:
    """An empty queue of one's own; the real scripts run in it."""
    server = fakeredis.FakeServer()
    client: Any = _Client(server=server, decode_responses=True)
    blocking: Any = _Client(server=server, decode_responses=True)
    async with client, blocking:
        yield assemble(client, blocking, QueueKeys.with_prefix(key_prefix))
