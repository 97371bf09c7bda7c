"""A server that a test starts, waits for by its own words, kills and starts again."""

import os
import socket
import subprocess
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from typing import IO, Final

_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
UNPRIVILEGED_USER: Final = "nobody"


class ServerNotStarted(Exception):
    """The server ended, or did not say that it is ready in time; carries its last words."""


def free_port() -> int:
    """A TCP port of the loopback address that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ServerProcess:
    """One run of a server program, from its start to its end."""

    def __init__(
        self, command: Sequence[str | Path], *, ready: str, directory: Path, unprivileged: bool = False
    ) -> None:
        """Start the program and wait until it prints a line containing `ready`.

        Args:
            command: the program and its arguments.
            ready: words of the line by which it says that it accepts connections.
            directory: where it runs.
            unprivileged: run it as `nobody` when the tests run as root.

        Raises:
            ServerNotStarted: it did not get ready.
        """
        self._ready = Event()
        self._last_words: deque[str] = deque(maxlen=20)
        self._process = subprocess.Popen(  # noqa: S603 - programs shipped with test dependencies
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=directory,
            user=UNPRIVILEGED_USER if unprivileged and os.geteuid() == 0 else None,
        )
        self._reader = Thread(target=self._read, args=(self._process.stdout, ready), daemon=True)
        self._reader.start()
        self._await_ready()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._reap()

    def stop(self) -> None:
        """Ask it to end, and wait; kill it when it does not."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reap()

    def _reap(self) -> None:
        self._process.wait(_STOP_SECONDS)
        self._reader.join(_STOP_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _await_ready(self) -> None:
        came = self._ready.wait(_START_SECONDS)
        if not came or self._process.poll() is not None:
            self.kill()
            raise ServerNotStarted("\n".join(self._last_words))

    def _read(self, output: IO[str] | None, ready: str) -> None:
        for line in output or ():
            self._last_words.append(line.rstrip())
            if ready in line:
                self._ready.set()
        self._ready.set()
