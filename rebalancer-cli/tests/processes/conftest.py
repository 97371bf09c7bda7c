"""The command as a process, in a project folder of the test's own."""

import asyncio
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from rebalancer_cli.stack.child_process import base_environment
from rebalancer_cli.stack.ports import free_port, reserved

FILES = ("init.sql", "accounts.yaml", "config.yaml", "replacement-sets.yaml")
PROGRAM = Path(sys.executable).with_name("rebalancer")
PATIENCE_SECONDS = 60


class Running:
    """A `rebalancer` that was started, and what it has printed so far."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.text = ""

    async def until(self, words: str) -> str:
        """Read on until a line contains the words; that line."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            while line := (await self.process.stdout.readline()).decode():
                self.text += line
                if words in line:
                    return line
        raise AssertionError(f"ended without {words!r}:\n{self.text}")

    async def ended(self) -> int:
        """Read on to the end; the exit code."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            self.text += (await self.process.stdout.read()).decode()
            return await self.process.wait()


@dataclass(frozen=True, slots=True)
class Deployment:
    """A project folder and its environment."""

    folder: Path
    environment: Mapping[str, str]

    async def start(self, *arguments: str, **environment: str) -> Running:
        """Start the command in the folder."""
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            *arguments,
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=PIPE,
            stderr=STDOUT,
        )
        return Running(process)

    async def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run the command to its end; exit code and output."""
        running = await self.start(*arguments, **environment)
        return await running.ended(), running.text

    def processes(self) -> Iterator[psutil.Process]:
        """Whatever runs in the folder or on its files."""
        for process in psutil.process_iter():
            try:
                places = [process.cwd(), *process.cmdline()]
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
            if process.status() != psutil.STATUS_ZOMBIE and any(str(self.folder) in place for place in places):
                yield process

    def running_programs(self) -> list[str]:
        """Command lines of those processes."""
        return [" ".join(process.cmdline()) for process in self.processes()]


@pytest.fixture
async def deployment(tmp_path: Path, pytestconfig: pytest.Config) -> AsyncGenerator[Deployment]:
    """The repository's own files in a folder of the test's own, on a free port; nothing of it survives the test."""
    for name in FILES:
        shutil.copy(pytestconfig.rootpath / name, tmp_path / name)
    port = free_port()
    with reserved("127.0.0.1", port):
        deployment = Deployment(tmp_path, {**base_environment(), "MANAGEMENT_PORT": str(port)})
        yield deployment
        for process in deployment.processes():
            process.kill()
