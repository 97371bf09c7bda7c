"""The API keeps to its own description, whatever a generator of requests thinks of."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration

_CONFIGURATION = """
[checks]
positive_data_acceptance.expected-statuses = [200, 201, 401, 404, 409, 422, 429]
"""
"""422 answers a well-formed body that names an account nobody has configured; no schema can list those."""


async def schemathesis(live: Any, directory: Path, *arguments: str) -> tuple[int, str]:
    """Run it against the API; its exit code and what it printed."""
    (directory / "schemathesis.toml").write_text(_CONFIGURATION, "utf-8")
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        "run",
        f"{live.url}/openapi.json",
        "--checks=all",
        "--seed=7",
        "--generation-deterministic",
        "--no-shrink",
        "--no-color",
        "--request-timeout=30",
        *arguments,
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(110):
        output, _ = await process.communicate()
    return process.returncode or 0, output.decode("utf-8", "replace")


async def test_with_the_key_every_answer_is_as_described(api: Any, tmp_path: Path) -> None:
    """Every check: statuses, types and shapes of answers, refusal of what is wrong, events that are gone stay gone."""
    code, output = await schemathesis(
        api, tmp_path, f"--header=Authorization: Bearer {api.key}", "--max-examples=8", "--continue-on-failure"
    )

    assert code == 0, output
    assert "Tested: 15" in output


async def test_without_the_key_every_answer_is_as_described(api: Any, tmp_path: Path) -> None:
    """The same for strangers, to whom only reading is open."""
    code, output = await schemathesis(api, tmp_path, "--phases=examples,coverage")

    assert code == 0, output
    assert (await api.dependencies.admin.status()).active_events_count == 0
