"""One service as a process that a test starts, kills and starts again."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol

from running_system.log_lines import LogLines

_LONGEST_LINE = 1 << 20
_STOP_SECONDS = 30.0


class Running(Protocol):
    """A process that was started: one of asyncio's own, or in its shape."""

    @property
    def stdout(self) -> asyncio.StreamReader | None:
        """What it says, errors included."""
        ...

    @property
    def returncode(self) -> int | None:
        """None while it lives."""
        ...

    def send_signal(self, signal: int, /) -> None:
        """Send it a signal."""
        ...

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        ...


Launch = Callable[[str, Mapping[str, str], Path], Awaitable[Running]]
"""Starts `python -m MODULE` with an environment in a directory."""


async def launch(module: str, environment: Mapping[str, str], directory: Path) -> Running:
    """Start it as anybody would."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        cwd=directory,
        env=environment,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        limit=_LONGEST_LINE,
    )


class Service:
    """`python -m MODULE` with its environment; `log` spans all its runs."""

    def __init__(
        self, module: str, environment: Mapping[str, str], directory: Path, *, launch: Launch = launch
    ) -> None:
        self.log = LogLines(module)
        self.environment = dict(environment)
        """What the next start gets."""
        self._module = module
        self._directory = directory
        self._launch = launch
        self._process: Running | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it, the first time or again."""
        self._process = await self._launch(self._module, self.environment, self._directory)
        self._reading = asyncio.create_task(self._read(self._process))

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        self.send_signal(signal.SIGKILL)
        await self.ended()

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    def terminate(self) -> None:
        """Ask it to stop, as Docker does."""
        self.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        """Wait for its end; the exit code."""
        if self._process is None or self._reading is None:
            return 0
        async with asyncio.timeout(_STOP_SECONDS):
            code = await self._process.wait()
            await self._reading
        return code

    async def gone(self) -> None:
        """Return when it has ended, and all that it said is in the log; the caller bounds the wait."""
        if self._reading is not None:
            await asyncio.wait({self._reading})

    async def restart(self) -> None:
        """Kill it and start it again."""
        await self.kill()
        await self.start()

    async def _read(self, process: Running) -> None:
        output = process.stdout
        while output is not None and (line := await output.readline()):
            await self.log.add(line.decode("utf-8", "replace").rstrip())
