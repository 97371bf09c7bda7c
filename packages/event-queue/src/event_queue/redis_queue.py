"""The queue on Redis, put together: what each `main` opens."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from event_queue.keys import QueueKeys
from event_queue.redis_admin import RedisQueueAdmin
from event_queue.redis_components import RedisComponentBoard
from event_queue.redis_durability import verify_keys
from event_queue.redis_intake import RedisIntake
from event_queue.redis_outbox import RedisOutbox
from event_queue.redis_worker import RedisWorkerQueue
from event_queue.script_files import load_scripts
from event_queue.script_runner import ScriptRunner

_ANSWER_SECONDS: Final = 3.0
_BLOCKED_ANSWER_SECONDS: Final = 8.0
"""Above the longest block (5 s), so that a silent server is told from an empty queue."""
_RETRIES: Final = 2


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where the queue's Redis is."""

    host: str
    port: int = 6379
    db: int = 0
    username: str | None = None
    password: str | None = None
    max_connections: int = 20


@dataclass(frozen=True, slots=True)
class RedisQueue:
    """Every port of the queue, on one Redis."""

    intake: RedisIntake
    worker: RedisWorkerQueue
    admin: RedisQueueAdmin
    outbox: RedisOutbox
    components: RedisComponentBoard
    keys: QueueKeys
    client: Any
    """The open `redis.asyncio.Redis`, whose own types are incomplete."""

    async def verify(self) -> None:
        """Check the type of every key; call it at start, and again after QueueUnavailable.

        Raises:
            CorruptQueue: a key has another type.
            QueueUnavailable: Redis did not answer.
        """
        await verify_keys(self.client, self.keys)


@asynccontextmanager
async def open_redis(address: RedisAddress, *, key_prefix: str = "") -> AsyncGenerator[RedisQueue]:
    """Open the queue; connects at the first call, so Redis may come up later.

    Every answer is awaited for 3 s and asked for again twice, which is safe because every script may run twice; the
    two waits that block on Redis have connections of their own and 8 s.
    """
    async with AsyncExitStack() as stack:
        client = await _open_client(stack, address, _ANSWER_SECONDS)
        blocking = await _open_client(stack, address, _BLOCKED_ANSWER_SECONDS)
        yield assemble(client, blocking, QueueKeys.with_prefix(key_prefix))


def assemble(client: "Redis", blocking: "Redis", keys: QueueKeys) -> RedisQueue:
    """Put the queue together on open clients that decode replies; they stay the caller's to close."""
    scripts = ScriptRunner(client, keys, load_scripts())
    return RedisQueue(
        intake=RedisIntake(scripts),
        worker=RedisWorkerQueue(scripts, blocking),
        admin=RedisQueueAdmin(scripts, client),
        outbox=RedisOutbox(client, blocking, keys),
        components=RedisComponentBoard(scripts, client),
        keys=keys,
        client=client,
    )


async def _open_client(stack: AsyncExitStack, address: RedisAddress, answer_seconds: float) -> "Redis":
    pool: Any = BlockingConnectionPool(
        host=address.host,
        port=address.port,
        db=address.db,
        username=address.username,
        password=address.password,
        max_connections=address.max_connections,
        timeout=answer_seconds,
        socket_timeout=answer_seconds,
        socket_connect_timeout=_ANSWER_SECONDS,
        socket_keepalive=True,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), _RETRIES),
        decode_responses=True,
    )
    client = Redis.from_pool(pool)
    stack.push_async_callback(client.aclose)
    return client
