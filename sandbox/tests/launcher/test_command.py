"""`python -m sandbox` as a real process."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

START_SECONDS = 30


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Any]]:
    """Start a sandbox process; whatever still runs at the end of the test is killed."""
    async with AsyncExitStack() as stack:

        async def run(*arguments: str) -> asyncio.subprocess.Process:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "sandbox",
                *arguments,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            stack.push_async_callback(_end, process)
            return process

        yield run


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def first_line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """What the process prints when it is ready."""
    assert process.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        return json.loads(await process.stdout.readline())


def files_in(folder: Path) -> list[str]:
    """Names of everything in the folder."""
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_life_of_a_process(start: Callable[..., Any], tmp_path: Path, number: signal.Signals) -> None:
    """It tells its ports on stdout and in the ready file, serves, and ends with 0 and without complaint."""
    ready_file = tmp_path / "ready.json"
    process = await start("--ready-file", str(ready_file))

    printed = await first_line(process)
    written = json.loads(ready_file.read_text())
    async with httpx.AsyncClient() as http:
        accounts = (await http.get(f"{printed['control_url']}/accounts")).json()["accounts"]
    process.send_signal(number)
    async with asyncio.timeout(START_SECONDS):
        _, stderr = await process.communicate()

    assert written == printed
    assert [account["account_id"] for account in accounts] == ["DU1000001", "DU1000002", "DU1000003"]
    assert (process.returncode, stderr) == (0, b"")
    assert files_in(tmp_path) == []


async def test_world_of_a_file_and_ports_of_the_command_line(start: Callable[..., Any], tmp_path: Path) -> None:
    """The file names the world; a port that is taken ends the process with 1 and a reason."""
    world = tmp_path / "world.yaml"
    world.write_text("accounts: [{id: DU7}]\n")
    printed = await first_line(await start("--world", str(world)))

    second = await start("--world", str(world), "--ably-port", str(printed["ably_port"]))
    async with asyncio.timeout(START_SECONDS):
        stdout, stderr = await second.communicate()

    assert (second.returncode, stdout) == (1, b"")
    assert b"cannot start" in stderr


async def test_wrong_file(start: Callable[..., Any], tmp_path: Path) -> None:
    """A specification with a mistake ends the process with 2, names the mistake and writes no ready file."""
    world = tmp_path / "world.yaml"
    world.write_text("acounts: []\n")
    process = await start("--world", str(world), "--ready-file", str(tmp_path / "ready.json"))

    async with asyncio.timeout(START_SECONDS):
        _, stderr = await process.communicate()

    assert process.returncode == 2
    assert b"acounts" in stderr
    assert files_in(tmp_path) == ["world.yaml"]
