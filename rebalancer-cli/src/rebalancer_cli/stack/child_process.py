"""One process of the system: its output goes to a log file and, line by line, to whoever listens."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rebalancer_cli.errors import StackFailed
from rebalancer_cli.stack.leftovers import forget, remember
from rebalancer_cli.stack.process_log import ProcessLog

LineListener = Callable[[str, str], None]
"""Called with the process's name and one line of its output."""

_CHUNK = 64 * 1024
_STOP_SECONDS = 40
"""Above the 30 s for which the worker follows orders in flight, and what it needs to close."""
_LAST_WORDS_SECONDS = 2


class ChildProcess:
    """A started process; `stop` ends it politely, then firmly."""

    def __init__(self, name: str, process: Process, log: ProcessLog, listener: LineListener) -> None:
        self.name = name
        self._process = process
        self._log = log
        self._listener = listener
        self._awaited: list[tuple[str, asyncio.Future[str]]] = []
        self._copying = asyncio.create_task(self._copy_output(), name=f"output of {name}")

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def line_with(self, words: str, *, timeout_seconds: float) -> str:
        """The first line from now on that contains `words`.

        Raises:
            StackFailed: the process ended, or said nothing of the kind in time.
        """
        heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._awaited.append((words, heard))
        ended = asyncio.create_task(self.wait_until_ended())
        try:
            await asyncio.wait({heard, ended}, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
            if heard.done():
                return heard.result()
            raise ended.result() if ended.done() else self._failed(f"was not ready within {timeout_seconds:.0f} s")
        finally:
            ended.cancel()
            self._awaited.remove((words, heard))

    async def wait_until_ended(self) -> StackFailed:
        """Wait for the end; the value says how it ended, its last words, and where the others are."""
        code = await self._process.wait()
        await asyncio.wait({self._copying}, timeout=_LAST_WORDS_SECONDS)
        return self._failed(f"ended with exit code {code}" if code >= 0 else f"was ended by {_signal_name(-code)}")

    async def kill(self) -> None:
        """End the process with SIGKILL, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """Ask the process to end and wait; after a bounded time, or when cancelled, kill it."""
        try:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            with contextlib.suppress(TimeoutError):  # killed below, as when this wait is cancelled
                async with asyncio.timeout(_STOP_SECONDS):
                    await self._process.wait()
        finally:
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
            await asyncio.wait({self._copying}, timeout=_LAST_WORDS_SECONDS)
            self._copying.cancel()

    async def _copy_output(self) -> None:
        output = self._process.stdout
        if output is None:
            return
        with contextlib.closing(self._log):
            while chunk := await output.read(_CHUNK):
                for line in self._log.write(chunk):
                    self._heard(line)

    def _heard(self, line: str) -> None:
        for words, heard in self._awaited:
            if words in line and not heard.done():
                heard.set_result(line)
        self._listener(self.name, line)

    def _failed(self, what: str) -> StackFailed:
        last = "".join(f"\n  {line}" for line in self._log.last_lines) or " none"
        return StackFailed(f"{self.name} {what}. Its last lines:{last}\nThe whole log is {self._log.path}")


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starts processes for one data folder: logs and the record of what runs are kept there."""

    data: Path
    listener: LineListener

    @contextlib.asynccontextmanager
    async def running(
        self, name: str, command: Sequence[str], *, environment: Mapping[str, str], folder: Path
    ) -> AsyncGenerator[ChildProcess]:
        """Run `command` in `folder`, in a session of its own, so that a Ctrl-C reaches it through `stop` alone."""
        log = ProcessLog(self.data / "logs" / f"{name}.log")
        process = await asyncio.create_subprocess_exec(
            *command,
            env=dict(environment),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,
        )
        child = ChildProcess(name, process, log, self.listener)
        try:
            remember(self.data, child.pid)
            yield child
        finally:
            try:
                await child.stop()
            finally:
                forget(self.data, child.pid)


def base_environment() -> dict[str, str]:
    """What any process needs of ours: where programs, home and temporary files are. No setting of the system."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SSL_CERT_FILE", "USER", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in names if name in os.environ}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
