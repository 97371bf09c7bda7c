"""The driver's side of the nursery: processes to start, stop and kill, and what they say."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from chaos.pulse import Pulse

_START_SECONDS = 60.0
_END_SECONDS = 30.0
_LONGEST_LINE = 1 << 20


class Child:
    """One forked process, in the shape of an asyncio subprocess."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stdout: asyncio.StreamReader | None = stdout
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def returncode(self) -> int | None:
        """Its exit code, minus the signal that killed it; None while it lives."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it lives; a nursery may be slower to tell of an end than the end was."""
        if self.returncode is None:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def has_ended(self, code: int) -> None:
        """Called by the nursery's client."""
        if not self._ended.done():
            self._ended.set_result(code)


class Nursery:
    """A client of one nursery process."""

    def __init__(self, process: Process, control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._turn = asyncio.Lock()
        self._born: asyncio.Queue[int] = asyncio.Queue()
        self._children: dict[int, Child] = {}
        self._early_ends: dict[int, int] = {}
        self._requests = 0
        self._listening = asyncio.create_task(self._listen())

    async def start(
        self,
        role: str,
        args: Mapping[str, Any],
        *,
        environ: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> Child:
        """Fork a process that calls `role` (`module:function`) with `args`; whoever is cancelled meanwhile leaves none.

        Raises:
            TimeoutError: the nursery does not answer.
        """
        starting = asyncio.ensure_future(self._start(role, args, environ, directory))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(_end_unwanted)
            raise

    async def _start(
        self, role: str, args: Mapping[str, Any], environ: Mapping[str, str] | None, directory: Path | None
    ) -> Child:
        """As `start`, from beginning to end: an answer that nobody awaited would be taken for the next one's."""
        reading, writing = os.pipe()
        request = {"role": role, "args": args, "environ": environ, "directory": str(directory) if directory else None}
        try:
            async with self._turn, asyncio.timeout(_START_SECONDS):
                self._requests += 1
                line = json.dumps({"id": self._requests, **request}).encode() + b"\n"
                sent = socket.send_fds(self._control, [line], [writing])
                await asyncio.get_running_loop().sock_sendall(self._control, line[sent:])
                pid = await self._born.get()
        finally:
            os.close(writing)
        return await self._adopt(pid, reading)

    async def close(self) -> None:
        """End the nursery and with it all its children."""
        self._listening.cancel()
        self._control.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _adopt(self, pid: int, reading: int) -> Child:
        stdout = asyncio.StreamReader(limit=_LONGEST_LINE)
        pipe = os.fdopen(reading, "rb")
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdout), pipe)
        child = Child(pid, stdout)
        self._children[pid] = child
        if pid in self._early_ends:
            child.has_ended(self._early_ends.pop(pid))
        return child

    async def _listen(self) -> None:
        loop, held = asyncio.get_running_loop(), b""
        while data := await loop.sock_recv(self._control, _LONGEST_LINE):
            *lines, held = (held + data).split(b"\n")
            for line in lines:
                self._take(json.loads(line))

    def _take(self, answer: Mapping[str, int]) -> None:
        if "pid" in answer:
            self._born.put_nowait(answer["pid"])
        elif child := self._children.pop(answer["ended"], None):
            child.has_ended(answer["code"])
        else:
            self._early_ends[answer["ended"]] = answer["code"]


def _end_unwanted(starting: "asyncio.Task[Child]") -> None:
    if not starting.cancelled() and starting.exception() is None:
        starting.result().send_signal(signal.SIGKILL)


@asynccontextmanager
async def open_nursery(modules: Sequence[str], *, first_on_path: Sequence[Path] = ()) -> AsyncGenerator[Nursery]:
    """A nursery that has imported `modules`, looking for them in `first_on_path` before anywhere else."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    here = Path(__file__).parents[1]
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    path = os.pathsep.join(str(each) for each in (*first_on_path, here, *filter(None, inherited)))
    with theirs:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "chaos.nursery", str(theirs.fileno()), *modules),
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": path},
            stdin=DEVNULL,
        )
    nursery = Nursery(process, ours)
    try:
        yield nursery
    finally:
        await nursery.close()


class Actor:
    """A child that tells what it does, line by line of JSON; what it told outlives it."""

    def __init__(self, name: str, child: Child, pulse: Pulse) -> None:
        self.name = name
        self._pulse = pulse
        self._child = child
        self.told: list[Mapping[str, Any]] = []
        self.noise: list[str] = []
        """What it said that is no JSON: warnings and tracebacks."""
        self._reading = asyncio.create_task(self._read())

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._child.returncode is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        self._child.send_signal(number)

    async def kill(self) -> None:
        """End it at once, and read what it said last."""
        self._child.send_signal(signal.SIGKILL)
        await self.ended()

    async def ended(self) -> int:
        """Its exit code, once it has ended and all that it said is read."""
        async with asyncio.timeout(_END_SECONDS):
            return await self.ended_at_last()

    async def ended_at_last(self) -> int:
        """As `ended`, however long it lives."""
        code = await self._child.wait()
        await self._reading
        return code

    async def _read(self) -> None:
        output = self._child.stdout
        while output is not None and (line := await output.readline()):
            try:
                self.told.append(json.loads(line))
            except ValueError:
                self.noise.append(line.decode("utf-8", "replace").rstrip())
            self._pulse.beat()
        self._pulse.beat()
