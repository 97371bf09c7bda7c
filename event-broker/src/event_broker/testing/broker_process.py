"""The event-broker as a process of its own, watched by its log."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

LogLine = dict[str, Any]


class BrokerProcess:
    """A running `python -m event_broker`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take over a process whose stdout is a pipe."""
        self._process = process
        self.log: list[LogLine] = []
        self._grown = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def wait_log(self, wanted: Callable[[list[LogLine]], bool], *, within: float = 30) -> list[LogLine]:
        """The log, once it is as wanted."""
        async with asyncio.timeout(within), self._grown:
            await self._grown.wait_for(lambda: wanted(self.log))
        return self.log

    async def wait_events(self, name: str, count: int = 1) -> list[LogLine]:
        """The log's lines of one event name, once there are so many."""
        await self.wait_log(lambda log: sum(line["event"] == name for line in log) >= count)
        return [line for line in self.log if line["event"] == name]

    async def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        await self._end()

    async def terminate(self, *, within: float = 10) -> int:
        """Stop it as Docker does; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(within):
            await self._end()
        return self._process.returncode or 0

    async def wait_end(self, *, within: float = 60) -> int:
        """Its exit code, once it has ended by itself."""
        async with asyncio.timeout(within):
            await self._end()
        return self._process.returncode or 0

    async def close(self) -> None:
        """Leave nothing behind."""
        if self._process.returncode is None:
            await self.kill()

    async def _end(self) -> None:
        await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        output = self._process.stdout
        while output is not None and (line := await output.readline()):
            async with self._grown:
                self.log.append(json.loads(line))
                self._grown.notify_all()


@asynccontextmanager
async def running_broker(directory: Path, environ: Mapping[str, str]) -> AsyncGenerator[BrokerProcess]:
    """Run the service in a directory that holds accounts.yaml; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "event_broker",
        cwd=directory,
        env={"PATH": os.environ["PATH"], **environ},
        stdout=asyncio.subprocess.PIPE,
    )
    broker = BrokerProcess(process)
    try:
        yield broker
    finally:
        await broker.close()
