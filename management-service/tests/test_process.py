"""The service as a process, on real Redis and PostgreSQL."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from event_queue.testing.redis_server import RedisServer
from event_queue.testing.server_process import free_port

pytestmark = pytest.mark.integration

KEY = {"Authorization": "Bearer process-key-123"}
BODY = {"account_id": "DU123456", "exec_command": "rebalance", "data": {"exec": "rebalance"}}


@pytest.fixture
def environ(redis_server: RedisServer, postgres_dsn: str) -> dict[str, str]:
    """Where everything is, under the names of .env.example."""
    postgres = urlsplit(postgres_dsn)
    return {
        **os.environ,
        "REDIS_HOST": redis_server.address.host,
        "REDIS_PORT": str(redis_server.address.port),
        "REDIS_KEY_PREFIX": "process-test:",
        "POSTGRES_HOST": str(postgres.hostname),
        "POSTGRES_PORT": str(postgres.port),
        "POSTGRES_DB": postgres.path.removeprefix("/"),
        "MANAGEMENT_PORT": str(free_port()),
        "MANAGEMENT_API_KEY": "process-key-123",
    }


@pytest.fixture
def service(environ: dict[str, str], tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """The running service, listening."""
    (tmp_path / "accounts.yaml").write_text("- {account_id: DU123456, notification: {channel: c}}", encoding="utf-8")
    command = [sys.executable, "-m", "management_service"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert any("http_listening" in line for line in process.stdout)
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def client(service: "subprocess.Popen[str]", environ: dict[str, str]) -> Iterator[httpx.Client]:
    """A client of the running service."""
    assert service.poll() is None
    with httpx.Client(base_url=f"http://127.0.0.1:{environ['MANAGEMENT_PORT']}", headers=KEY) as client:
        yield client


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


def test_sigterm_ends_it_in_good_order(service: "subprocess.Popen[str]", client: httpx.Client) -> None:
    """Exit code 0, and no secret in what it logged."""
    client.post("/queue/events", json={})

    service.send_signal(signal.SIGTERM)
    log, _ = service.communicate(timeout=20)

    assert service.returncode == 0
    assert '"event": "service_stopped"' in log
    assert "process-key-123" not in log


@pytest.mark.usefixtures("service")
def test_a_taken_port_fails_the_start(environ: dict[str, str], tmp_path: Path) -> None:
    """The second service on a port ends with 1 and says why."""
    command = [sys.executable, "-m", "management_service"]

    second = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False)

    assert second.returncode == 1
    assert "Address already in use" in second.stdout
