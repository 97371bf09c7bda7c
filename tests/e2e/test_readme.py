"""Every command of README.md that talks to the API is run as it stands, only at the test's own port."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from running_system import Follower, System

pytestmark = pytest.mark.e2e

OpenSystem = Callable[..., AbstractAsyncContextManager[System]]

README_ADDRESS = "http://localhost:8000"
CLI = ".venv/bin/rebalancer"
BY_FILE = "./tools/rebalance.sh"
RUN_ELSEWHERE = {"make", "export"}
"""`make demo` and `make test` are the build's own; `make up` and `export` prepare what this test prepares itself."""
ROOT = Path(__file__).parents[2]
WORLD: Mapping[str, Any] = {"instruments": [{"symbol": "A", "price": 100}]}
FOLLOWERS = [
    Follower(account_id=account_id, answer={"A": 1}, cash=10_000, channel=channel)
    for account_id, channel in (("DU123456", "strategy-name-100"), ("DU789012", "strategy-name-200"))
]


def commands_of(readme: str) -> list[str]:
    """Every command of the bash blocks, continued lines joined, and every curl line quoted in the text."""
    blocks = re.findall(r"^```bash\n(.*?)^```", readme, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    quoted = re.findall(r"`(curl [^`]*)`", re.sub(r"^```.*?^```", "", readme, flags=re.MULTILINE | re.DOTALL))
    return [line for line in lines if line.strip() and not line.startswith("#")] + quoted


@pytest.fixture(scope="module")
def commands(pytestconfig: pytest.Config) -> list[str]:
    """The commands of README.md, in its order."""
    return commands_of((pytestconfig.rootpath / "README.md").read_text("utf-8"))


def test_every_command_is_run_here_or_by_the_build(commands: list[str]) -> None:
    """No command of the README is of a kind that nobody runs; the API is shown in full."""
    kinds = [command.split()[0] for command in commands]

    assert set(kinds) == {"curl", CLI, BY_FILE} | RUN_ELSEWHERE
    assert kinds.count("curl") >= 8


async def shell(command: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and output of a command line."""
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        command,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_the_curl_lines_do_what_they_say(open_system: OpenSystem, commands: list[str], tmp_path: Path) -> None:
    """In the README's order, with the worker asleep so that an event waits to be looked at and removed."""
    (tmp_path / ".curlrc").write_text('write-out = "\\n%{http_code}"\n', "utf-8")
    async with open_system(FOLLOWERS, WORLD) as system:
        await system.processor.kill()
        address = f"http://localhost:{system.api.port}"
        key = str(system.api.key["Authorization"]).removeprefix("Bearer ")
        environment = {"CURL_HOME": str(tmp_path), "MANAGEMENT_API_KEY": key}
        for command in (line for line in commands if line.startswith("curl")):
            code, output = await shell(command.replace(README_ADDRESS, address), environment)
            body, _, status = output.rpartition("\n")

            assert (code, status) == (0, "201" if " -d " in command and " -X PUT " not in command else "200"), (
                command,
                output,
            )
            if status == "201":
                environment["EVENT_ID"] = json.loads(body)["event_id"]


async def test_the_command_lines_do_what_they_say(open_system: OpenSystem, commands: list[str]) -> None:
    """The same from the `rebalancer` command, with the worker awake."""
    async with open_system(FOLLOWERS, WORLD) as system:
        key = str(system.api.key["Authorization"]).removeprefix("Bearer ")
        environment = {"MANAGEMENT_URL": f"http://127.0.0.1:{system.api.port}", "MANAGEMENT_API_KEY": key}
        installed = str(Path(sys.executable).parent / "rebalancer")
        for command in (line for line in commands if line.startswith(CLI)):
            code, output = await shell(command.replace(CLI, installed), environment)

            assert code == 0, (command, output)
        await system.processor.log.until("event_completed", count=2)

        assert system.held("DU123456") == {"A": 100}


async def test_the_files_do_what_they_say(open_system: OpenSystem, commands: list[str], tmp_path: Path) -> None:
    """A preview and a rebalance, each left as a file, are found and carried out."""
    where = {"MANUAL_DIRECTORY": str(tmp_path)}
    async with open_system(FOLLOWERS, WORLD, settings=where) as system:
        for command in (line for line in commands if line.startswith(BY_FILE)):
            code, output = await shell(command, where)

            assert code == 0, (command, output)
        await system.processor.log.until("event_completed", count=2)

        assert system.held("DU123456") == {"A": 100}
