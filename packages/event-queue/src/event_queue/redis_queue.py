"""The queue on Redis, put together: what each `main` opens."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from event_queue.keys import QueueKeys
from event_queue.known_run import KnownRun, KnownRunConnection
from event_queue.quick_client import QuickClient
from event_queue.quick_connection import QuickPool
from event_queue.redis_admin import RedisQueueAdmin
from event_queue.redis_components import RedisComponentBoard
from event_queue.redis_examination import examine_entries
from event_queue.redis_intake import RedisIntake
from event_queue.redis_key_types import verify_keys
from event_queue.redis_mending import RedisMending
from event_queue.redis_outbox import RedisOutbox
from event_queue.redis_progress import RedisProgress
from event_queue.redis_switch import RedisTradingSwitch
from event_queue.redis_worker import RedisWorkerQueue
from event_queue.script_files import load_scripts
from event_queue.script_runner import ScriptRunner

ANSWER: Final = timedelta(seconds=3)
_LONGEST_BLOCK: Final = timedelta(seconds=5)
_TRIES: Final = 3


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
    trading: RedisTradingSwitch
    mending: RedisMending
    progress: RedisProgress
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

    async def examine(self) -> None:
        """Check what `verify` does, and entries that stop no script, for an operator to look at.

        Raises:
            CorruptQueue: naming the key.
            QueueUnavailable: Redis did not answer.
        """
        await self.verify()
        await examine_entries(self.client, self.keys)


@asynccontextmanager
async def open_redis(
    address: RedisAddress, *, key_prefix: str = "", answer: timedelta = ANSWER, known_run: KnownRun | None = None
) -> AsyncGenerator[RedisQueue]:
    """Open the queue; connects at the first call, so Redis may come up later.

    Each reply is awaited for `answer` and asked for again twice, which is safe because every script may run twice. The
    two waits that block on Redis have connections of their own, whose patience ends `answer` after the longest block,
    so that a silent server is told from an empty queue. Events, where a known run is given, are taken in through
    connections of their own that lead to that run alone.
    """
    keys = QueueKeys.with_prefix(key_prefix)
    async with AsyncExitStack() as stack:
        client = _open_client(stack, address, answer, Retry(_backoff(), _TRIES - 1))
        reconnecting = Retry(_backoff(), _TRIES - 1, supported_errors=(RedisConnectionError,))
        blocking = _open_client(stack, address, _LONGEST_BLOCK + answer, reconnecting)
        queue = assemble(client, blocking, keys, patience=answer * _TRIES)
        if known_run is not None:
            door = _open_client(stack, address, answer, Retry(_backoff(), _TRIES - 1), known_run)
            scripts = ScriptRunner(door, keys, load_scripts(), patience=answer * _TRIES)
            queue = replace(queue, intake=RedisIntake(scripts))
        yield queue


def _backoff() -> ExponentialBackoff:
    return ExponentialBackoff(cap=0.5, base=0.05)


def assemble(
    client: "Redis", blocking: "Redis", keys: QueueKeys, *, patience: timedelta = ANSWER * _TRIES
) -> RedisQueue:
    """Put the queue together on open clients that decode replies; they stay the caller's to close."""
    return queue_of(ScriptRunner(client, keys, load_scripts(), patience=patience), client, blocking)


def queue_of(scripts: ScriptRunner, client: "Redis", blocking: "Redis") -> RedisQueue:
    """The queue whose scripts all go through the runner; both clients stay the caller's to close."""
    return RedisQueue(
        intake=RedisIntake(scripts),
        worker=RedisWorkerQueue(scripts, blocking),
        admin=RedisQueueAdmin(scripts, client),
        outbox=RedisOutbox(scripts, client, blocking),
        components=RedisComponentBoard(scripts, client),
        trading=RedisTradingSwitch(scripts, client),
        mending=RedisMending(scripts, client),
        progress=RedisProgress(client, scripts.keys.progress),
        keys=scripts.keys,
        client=client,
    )


def _open_client(
    stack: AsyncExitStack, address: RedisAddress, answer: timedelta, retry: Retry, known_run: KnownRun | None = None
) -> "Redis":
    to_run = {} if known_run is None else {"connection_class": KnownRunConnection, "known_run": known_run}
    pool: Any = QuickPool(
        host=address.host,
        port=address.port,
        db=address.db,
        username=address.username,
        password=address.password,
        max_connections=address.max_connections,
        timeout=answer.total_seconds(),
        socket_timeout=answer.total_seconds(),
        socket_connect_timeout=min(answer, ANSWER).total_seconds(),
        socket_keepalive=True,
        retry=retry,
        # One reply to each command and nothing between them; the third form of the protocol pushes messages in.
        protocol=2,
        decode_responses=True,
        # Bytes that are no text do not stop the reading of what stands beside them.
        encoding_errors="surrogateescape",
        **to_run,
    )
    client: Any = QuickClient(pool)
    stack.push_async_callback(client.aclose)
    return client
