"""The service as a process: start, work, end."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.integration

BODY = {"account_id": "DU123456", "exec_command": "rebalance", "data": {"exec": "rebalance"}}


def test_an_event_lives_and_dies_over_http(client: httpx.Client) -> None:
    """Added, seen, refused twice, removed; PostgreSQL answers too."""
    created = client.post("/queue/events", json=BODY)
    twin = client.post("/queue/events", json=BODY)
    listed = client.get("/queue/events").json()
    health = client.get("/health").json()
    removed = client.delete(created.headers["location"])

    assert (created.status_code, twin.status_code, removed.status_code) == (201, 409, 200)
    assert [event["event_id"] for event in listed] == [twin.json()["active_event_id"]]
    assert health["components"]["postgres"]["status"] == "ok"
    assert client.get("/queue/status").json()["active_events_count"] == 0


def test_sigterm_ends_it_in_good_order(service: Any, client: httpx.Client) -> None:
    """Exit code 0, and no secret in what it logged."""
    client.post("/queue/events", json={})

    code = service.end(signal.SIGTERM)

    log = "".join(service.log)
    assert code == 0
    assert '"event": "service_stopped"' in log
    assert "process-key-123" not in log


@pytest.mark.usefixtures("service")
def test_a_taken_port_fails_the_start(environ: dict[str, str], tmp_path: Path) -> None:
    """The second service on a port ends with 1 and says why."""
    command = [sys.executable, "-m", "management_service"]

    second = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False)

    assert second.returncode == 1
    assert "Address already in use" in second.stdout


def test_five_thousand_accounts_are_served(start: Callable[..., Any]) -> None:
    """The first, the last and a disabled one are known, the next is not."""
    entry = '- {{account_id: "DU{0:06d}", enabled: {1}, notification: {{channel: model-{0}}}}}\n'
    service = start("".join(entry.format(number, str(number != 2_500).lower()) for number in range(5_000)))
    asked = ("DU000000", "DU004999", "DU002500", "DU005000")

    with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=60) as client:
        client.headers["Authorization"] = "Bearer process-key-123"
        answers = [client.post("/queue/events", json=BODY | {"account_id": account}) for account in asked]

    assert [answer.status_code for answer in answers] == [201, 201, 422, 422]
    assert [answer.json()["errors"][0]["reason"].split()[2] for answer in answers[2:]] == ["disabled:", "not"]
