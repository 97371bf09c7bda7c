"""The servers that everything runs on, and the processes started on them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

from redis import Redis

from bench.contenders.contract import Places
from bench.contenders.starts import FILE_VARIABLE
from event_queue.testing.postgres_server import PostgresServer, running_postgres
from event_queue.testing.redis_server import RedisServer, running_redis

_ROOT: Final = Path(__file__).parents[1]
_SCHEMA: Final = _ROOT / "init.sql"
_ACTION_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.01
_EMPTY_CONFIGURATION: Final[Mapping[str, Any]] = {
    "config.yaml": {},
    "accounts.yaml": [],
    "replacement-sets.yaml": {"replacement_sets": {}},
}


SPOILT: Final = (RuntimeError, OSError, subprocess.SubprocessError)
"""What one contender's failure looks like; the others are measured all the same. A TimeoutError is an OSError."""


@dataclass(slots=True)
class Stage:
    """One Redis and one PostgreSQL, a directory, and the peers' interpreter."""

    redis: RedisServer
    postgres: PostgresServer
    directory: Path
    peer_python: Path | None
    _databases: dict[str, str] = field(default_factory=dict[str, str])

    def places(self, name: str, *, db: int = 0, fresh: bool = True) -> Places:
        """An empty database of Redis and one of PostgreSQL for a contender."""
        if fresh or name not in self._databases:
            schema = _SCHEMA.read_text("utf-8") if name == "product" else ""
            dsn = asyncio.run(self.postgres.create_database(schema))
            self._databases[name] = dsn.rsplit("/", 1)[1]
            client: Any = self.client(db)
            client.flushdb()
        return Places(self.redis.port, db, self.postgres.port, self._databases[name])

    def client(self, db: int = 0) -> Any:
        """A plain client of the Redis."""
        return Redis(port=self.redis.port, db=db)

    def act(self, name: str, action: str, places: Places, *options: str) -> Any:
        """Have a contender do something to its end; its answer."""
        done = subprocess.run(  # noqa: S603 - a module of this project
            self._command(name, action, places, *options),
            env=self._environment(None),
            cwd=_ROOT,
            capture_output=True,
            text=True,
            timeout=_ACTION_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{name} {action} failed: {done.stderr[-2000:]}")
        return json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else None

    @contextmanager
    def worker(self, name: str, places: Places, concurrency: int, starts: Path, **env: str) -> Generator["Group"]:
        """A contender's worker, killed at the end of the block."""
        command = self._command(name, "work", places, "--concurrency", str(concurrency))
        with Group(command, {**self._environment(starts), **env}, _ROOT) as group:
            yield group

    @contextmanager
    def service(self, module: str, places: Places, **env: str) -> Generator["Group"]:
        """One of the product's services."""
        settings = {
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(places.redis_port),
            "REDIS_DB": str(places.redis_db),
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(places.postgres_port),
            "POSTGRES_DATABASE": places.postgres_database,
            "POSTGRES_USERNAME": "postgres",
            "POSTGRES_PASSWORD": "trusted",
        }
        with Group([sys.executable, "-m", module], {**_clean(), **settings, **env}, self.directory) as group:
            yield group

    def _command(self, name: str, action: str, places: Places, *options: str) -> list[str]:
        python = sys.executable if name in {"product", "naive"} else str(self.peer_python)
        where = ["--redis-port", str(places.redis_port), "--redis-db", str(places.redis_db)]
        where += ["--postgres-port", str(places.postgres_port), "--postgres-database", places.postgres_database]
        return [python, "-W", "ignore", "-m", "bench.contenders", name, action, *where, *options]

    def _environment(self, starts: Path | None) -> dict[str, str]:
        return {**_clean(), FILE_VARIABLE: str(starts)} if starts else _clean()


class Group:
    """A process and all that it starts, killed together."""

    def __init__(self, command: list[str], env: Mapping[str, str], directory: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - modules of this project
            command,
            env=env,
            cwd=directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """Kill -9."""
        if self.alive:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_ACTION_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


@contextmanager
def open_stage(appendfsync: str, peer_python: Path | None) -> Generator[Stage]:
    """Start both servers, for as long as the block lasts."""
    with (
        running_redis(appendfsync=appendfsync) as redis,
        running_postgres() as postgres,
        TemporaryDirectory(prefix="bench-") as directory,
    ):
        for name, content in _EMPTY_CONFIGURATION.items():
            (Path(directory) / name).write_text(json.dumps(content), "utf-8")
        yield Stage(redis, postgres, Path(directory), peer_python)


def wait_until(holds: Any, *, seconds: float) -> bool:
    """Look again and again whether something holds; False when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _clean() -> dict[str, str]:
    """The environment without what could steer the services, with the project's modules in reach."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONPATH": str(_ROOT), "PYTHONWARNINGS": "ignore"}
