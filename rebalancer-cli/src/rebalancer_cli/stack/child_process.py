"""One process of the system: its output goes to a log file and, line by line, to whoever listens."""

import asyncio
import contextlib
import os
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rebalancer_cli.errors import StackFailed

LineListener = Callable[[str, str], None]
"""Called with the process's name and one line of its output."""

_LINE_LIMIT = 1 << 20
_STOP_SECONDS = 40


class ChildProcess:
    """A started process; `stop` ends it politely, then firmly."""

    def __init__(self, name: str, process: Process, log_file: Path, listener: LineListener) -> None:
        self.name = name
        self.log_file = log_file
        self._process = process
        self._listener = listener
        self._copying = asyncio.create_task(self._copy_output(), name=f"output of {name}")

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log_file: Path,
        listener: LineListener,
    ) -> "ChildProcess":
        """Start `command` in a session of its own, so that a Ctrl-C reaches it through `stop` alone."""
        process = await asyncio.create_subprocess_exec(
            *command,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            limit=_LINE_LIMIT,
            start_new_session=True,
        )
        return cls(name, process, log_file, listener)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def wait_until_ended(self) -> StackFailed:
        """Wait for the end; the value says how it ended and where to read why."""
        code = await self._process.wait()
        return StackFailed(f"{self.name} ended with exit code {code}; its output is in {self.log_file}")

    async def stop(self) -> None:
        """Ask the process to end and wait; after a bounded time kill it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._copying

    async def _copy_output(self) -> None:
        output = self._process.stdout
        if output is None:
            return
        with self.log_file.open("ab", buffering=0) as log:
            async for line in output:
                log.write(line)
                self._listener(self.name, line.decode("utf-8", "replace").rstrip("\n"))


def base_environment() -> dict[str, str]:
    """What any process needs of ours: where programs, home and temporary files are. No setting of the system."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SSL_CERT_FILE", "USER", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in names if name in os.environ}
