"""Everything one trial of the queue runs on: stores, wires between them and everybody, and posts for processes."""

import asyncio
import random
import signal
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chaos.processes import Nursery
from chaos.pulse import Pulse, some_time
from chaos.queue_level.load import SOURCES
from chaos.queue_level.post import Post, ProducerPost
from chaos.reading import empty_tables, raw_redis
from chaos.restarts import Restarts
from chaos.wire import Wire, open_wire
from event_queue.keys import QueueKeys
from event_queue.testing.first_run import vouch_for_run
from event_queue.testing.postgres_server import PostgresServer
from event_queue.testing.redis_server import RedisServer

ACTORS = (
    "chaos.actors.producer",
    "chaos.actors.worker",
    "chaos.actors.relay",
    "chaos.actors.operator",
    "chaos.actors.observer",
)
_QUIET_SECONDS = 25.0
_LOG = "appendonly.aof"
STRANGERS = ("delayed_events", "rebalance_events", "processing_events", "retrying_events")
"""Keys that a fault may give another type."""


@dataclass(frozen=True, slots=True)
class Database:
    """A PostgreSQL that trials share one after the other."""

    server: PostgresServer
    dsn: str

    @property
    def name(self) -> str:
        """Of the database."""
        return self.dsn.rpartition("/")[2]


@dataclass(kw_only=True)
class Arena:
    """One trial's world. Faults are done to it by `queue_level.faults`."""

    chance: random.Random
    redis: RedisServer
    raw: Any
    """A client that goes around the wire."""
    redis_wire: Wire
    """Of everybody but the workers."""
    worker_wire: Wire
    postgres_wire: Wire
    database: Database
    nursery: Nursery
    load: Mapping[str, list[dict[str, Any]]]
    restarts: Restarts = field(default_factory=Restarts)
    pulse: Pulse = field(default_factory=Pulse)
    posts: dict[str, Post] = field(default_factory=dict[str, Post])
    kills: int = 0
    kept: set[str] = field(default_factory=set[str])
    remarks: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    losses: list[float] = field(default_factory=list[float])
    halts: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    clock_is_steady: bool = True
    is_alone: bool = True
    """Whether one fault alone is at work, so that a standstill can be laid to it."""
    has_relay: bool = True
    has_stray_keys: bool = False
    past_turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Redis goes back in time, and is put right, one time after the other."""
    _glances_from: int = 0
    _glances_after: int = 0

    @property
    def producers(self) -> list[ProducerPost]:
        """The sources of signals."""
        return [post for post in self.posts.values() if isinstance(post, ProducerPost)]

    @property
    def worker(self) -> Post:
        """The first worker."""
        return self.posts["worker"]

    @property
    def relay(self) -> Post:
        """The first relay."""
        return self.posts["relay"]

    def add_worker(self, name: str = "worker", **more: Any) -> Post:
        """A post for a worker, not yet filled."""
        args = {"hands": self.chance.choice((1, 1, 2)), "work_seconds": self.chance.choice((0.0, 0.001, 0.004))}
        return self._add(name, "worker", {**args, "redis_port": self.worker_wire.port, **more})

    def add_relay(self, name: str = "relay") -> Post:
        """A post for a relay, not yet filled."""
        spill = str(self.redis.directory / f"spill-{name}")
        return self._add(name, "relay", {"batch": self.chance.choice((3, 20, 500)), "spill": spill})

    def add_observer(self) -> Post:
        """A post for somebody who looks."""
        return self._add("observer", "observer", {})

    def add_producers(self) -> list[ProducerPost]:
        """A post for each source."""
        for source in SOURCES:
            args = {**self._stores, "signals": self.load[source]}
            self.posts[source] = ProducerPost(source, args, self.nursery, self.pulse)
        return self.producers

    def set_for_all(self, **args: Any) -> None:
        """Change what the next processes are given."""
        for post in self.posts.values():
            post.set(**args)

    def _add(self, name: str, role: str, args: Mapping[str, Any]) -> Post:
        args = {**self._stores, **args}
        self.posts[name] = Post(name, f"chaos.actors.{role}:main", args, self.nursery, self.pulse)
        return self.posts[name]

    def add_operator(self) -> Post:
        """A post for whoever puts a Redis right that went back in time."""
        return self._add(f"operator-{len(self.losses)}", "operator", {})

    @property
    def _stores(self) -> Mapping[str, Any]:
        return {
            "redis_port": self.redis_wire.port,
            "postgres_port": self.postgres_wire.port,
            "database": self.database.name,
        }

    def kill(self, post: Post) -> None:
        """Kill -9; its post fills it again."""
        self.kills += 1
        post.signal(signal.SIGKILL)

    async def restart_redis_with(self, rewrite: Callable[[bytes], bytes]) -> None:
        """Kill -9 of Redis, and back with another append-only file."""
        self.kills += 1
        log = self.redis.directory / _LOG
        await self.restarts.restart(self.redis, lambda: asyncio.to_thread(_rewrite, log, rewrite))

    async def log(self) -> bytes:
        """The append-only file as it is now."""
        return await asyncio.to_thread((self.redis.directory / _LOG).read_bytes)

    async def forget_glances(self) -> None:
        """What the observer has told so far is of a past that was lost."""
        self._glances_after = int(await self.raw.get("outbox_counter") or 0)
        self._glances_from = len(self.posts["observer"].told)

    async def restart_redis(self, *, away_seconds: float = 0) -> None:
        """Kill -9 of Redis, and back."""
        self.kills += 1
        await self.restarts.restart(self.redis, lambda: some_time(away_seconds))

    async def restart_postgres(self, *, away_seconds: float = 0) -> None:
        """Kill -9 of PostgreSQL, and back."""
        self.kills += 1
        await self.restarts.restart(self.database.server, lambda: some_time(away_seconds))

    async def all_sent(self, *, seconds: float = _QUIET_SECONDS) -> bool:
        """Wait until every signal has been answered."""
        return await self.pulse.until(lambda: all(post.is_done for post in self.producers), seconds=seconds)

    @property
    def glances(self) -> list[Mapping[str, Any]]:
        """What the observer told since Redis lost anything."""
        observer = self.posts.get("observer")
        told = observer.told[self._glances_from :] if observer else []
        return [line for line in told if "aside" in line and line["after"] > self._glances_after]


@asynccontextmanager
async def open_arena(
    chance: random.Random, nursery: Nursery, database: Database, load: Mapping[str, list[dict[str, Any]]]
) -> AsyncGenerator[Arena]:
    """A fresh Redis, an empty database, and nobody in it yet."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(TemporaryDirectory(prefix="chaos-"))
        redis = await asyncio.to_thread(RedisServer, Path(directory))
        stack.callback(redis.stop)
        raw = raw_redis(redis.port)
        stack.push_async_callback(raw.aclose)
        # The first worker has waited until nobody else can have a lease: by then an event-broker has met this Redis.
        await empty_tables(database.dsn, first_run=(await raw.info("server"))["run_id"])
        await vouch_for_run(raw, QueueKeys.with_prefix())
        arena = Arena(
            chance=chance,
            redis=redis,
            raw=raw,
            worker_wire=await stack.enter_async_context(open_wire(redis.port, chance)),
            redis_wire=await stack.enter_async_context(open_wire(redis.port, chance)),
            postgres_wire=await stack.enter_async_context(open_wire(database.server.port, chance)),
            database=database,
            nursery=nursery,
            load=load,
        )
        try:
            yield arena
        finally:
            await asyncio.gather(*(post.retire() for post in arena.posts.values()))
            await arena.restarts.ended()


def _rewrite(file: Path, rewrite: Callable[[bytes], bytes]) -> None:
    file.write_bytes(rewrite(file.read_bytes()))
