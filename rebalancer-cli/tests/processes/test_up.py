"""`rebalancer up` and the operators' commands as processes."""

import re
import signal
from pathlib import Path
from typing import Protocol

import httpx
import pytest

pytestmark = pytest.mark.e2e

UP = "running until Ctrl-C"
PATIENT = {"PROCESSING_PAUSE_CONNECTION_SECONDS": "600", "PROCESSING_PAUSE_REJECTED_SECONDS": "600"}
"""What failed is not tried again while the test runs, however long that takes."""
LONG_LEASE = {"PROCESSING_LEASE_SECONDS": "3600"}
"""No worker can outwait another's lease while the test runs: an event ends only if none has to."""


class Running(Protocol):
    """See conftest."""

    text: str
    process: "Signalled"

    async def until(self, words: str) -> str: ...
    async def ended(self) -> int: ...


class Signalled(Protocol):
    """What these tests do to a process."""

    def send_signal(self, signal: int) -> None: ...
    def kill(self) -> None: ...


class Deployment(Protocol):
    """See conftest."""

    folder: Path

    async def start(self, *arguments: str, **environment: str) -> Running: ...
    async def run(self, *arguments: str, **environment: str) -> tuple[int, str]: ...
    def running_programs(self) -> list[str]: ...


async def stop(running: Running, number: signal.Signals = signal.SIGTERM) -> int:
    running.process.send_signal(number)
    return await running.ended()


async def withdraw_weights(control_url: str, channel: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        (await client.delete(f"{control_url}/allocations/{channel}")).raise_for_status()


async def test_a_system_is_run_asked_stopped_and_killed(deployment: Deployment) -> None:
    """Every command works on it; its data outlives an orderly end and a kill, its processes outlive neither."""
    system = await deployment.start("up", "--sandbox", **PATIENT, **LONG_LEASE)
    control_url = (await system.until("control of both")).split()[-1]
    await system.until(UP)
    await withdraw_weights(control_url, "strategy-name-200")

    asked = await deployment.run("preview", "DU123456")
    failed = await deployment.run("preview", "DU789012")
    listed = await deployment.run("events")
    refused = await deployment.run("add", "DU789012", "print-rebalance")
    status = await deployment.run("status")
    watching = await deployment.start("watch")
    watched = await watching.until("queue_length")

    assert asked[0] == 0
    assert '"orders"' in asked[1]
    assert failed[0] == 1
    assert "failed and will be tried again" in failed[1]
    event_id = re.findall(r"queued print-rebalance for DU789012: (\S+)", failed[1])[0]
    assert event_id in listed[1]
    assert refused[0] == 1
    assert event_id in refused[1]
    assert status[0] == 1
    assert "events_with_retries" in status[1]
    assert '"delayed": 1' in watched
    assert await stop(watching) == 0
    assert (deployment.folder / ".data" / "management-api-key").stat().st_mode & 0o777 == 0o600
    assert await stop(system) == 0
    assert deployment.running_programs() == []

    again = await deployment.start("up", "--sandbox", **PATIENT)
    await again.until(UP)
    assert event_id in (await deployment.run("events"))[1]
    assert await deployment.run("delete", event_id) == (0, f"removed print-rebalance for DU789012: {event_id}\n")
    again.process.kill()
    await again.ended()

    third = await deployment.start("up", "--sandbox", **LONG_LEASE)
    await third.until(UP)
    assert "ended redis-server" in third.text
    assert "ended postgres" in third.text
    assert await deployment.run("events") == (0, "no events\n")
    assert (await deployment.run("preview", "DU123456"))[0] == 0
    second = await deployment.run("up", "--sandbox")
    assert second[0] == 1
    assert "already runs" in second[1]
    assert await stop(third, signal.SIGINT) == 0
    assert deployment.running_programs() == []


async def test_a_service_that_dies_at_start(deployment: Deployment) -> None:
    """Its last words and the path of its log are shown, and everything else is stopped."""
    (deployment.folder / "accounts.yaml").write_text("- nonsense: true\n")

    code, text = await deployment.run("up", "--sandbox")

    assert code == 1
    assert "ended with exit code 2. Its last lines:" in text
    assert "nonsense: unknown key" in text
    assert re.search(r"The whole log is .*\.data/sandbox/logs/[a-z-]+\.log", text)
    assert deployment.running_programs() == []


async def test_a_start_can_be_interrupted(deployment: Deployment) -> None:
    """SIGTERM while parts are still starting stops those that have; the exit code is that of an orderly end."""
    system = await deployment.start("up", "--sandbox")
    await system.until("starting")

    assert await stop(system) == 0
    assert UP not in system.text
    assert deployment.running_programs() == []
