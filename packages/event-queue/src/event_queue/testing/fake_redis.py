"""The queue on a Redis imitated in this process: fast, without persistence, memory limit or real clients."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import fakeredis

from event_queue.keys import QueueKeys
from event_queue.redis_queue import RedisQueue, assemble


@asynccontextmanager
async def fake_queue(key_prefix: str = "") -> AsyncGenerator[RedisQueue]:
    """An empty queue of one's own; the real scripts run in it."""
    server = fakeredis.FakeServer()
    client: Any = fakeredis.FakeAsyncRedis(server=server, decode_responses=True)
    blocking: Any = fakeredis.FakeAsyncRedis(server=server, decode_responses=True)
    async with client, blocking:
        yield assemble(client, blocking, QueueKeys.with_prefix(key_prefix))
