"""The service as a process, on real Redis and PostgreSQL, with its log read as it is written."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

import httpx
import pytest

from event_queue.testing.redis_server import RedisServer
from event_queue.testing.server_process import free_port

KEY = "process-key-123"
ONE_ACCOUNT = "- {account_id: DU123456, notification: {channel: c}}"


class Service:
    """One run of the service."""

    def __init__(self, directory: Path, environ: dict[str, str]) -> None:
        """Start it in a directory that holds its accounts.yaml."""
        self.port = int(environ["MANAGEMENT_PORT"])
        self.log: list[str] = []
        self._listening = Event()
        command = [sys.executable, "-m", "management_service"]
        self.process = subprocess.Popen(command, cwd=directory, env=environ, stdout=subprocess.PIPE, text=True)
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._listening.wait(90):
            self.end(signal.SIGKILL)
            raise TimeoutError("".join(self.log))

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.log.append(line)
                if "http_listening" in line:
                    self._listening.set()

    def end(self, number: int) -> int:
        """Send a signal and wait for the end, and for the log's; the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        self._reader.join()
        return code

    @property
    def most_memory(self) -> int:
        """The most that it ever held, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


@pytest.fixture
def environ(redis_server: RedisServer, postgres_dsn: str) -> dict[str, str]:
    """Where everything is, under the names of .env.example."""
    postgres = urlsplit(postgres_dsn)
    return {
        **os.environ,
        "REDIS_HOST": redis_server.address.host,
        "REDIS_PORT": str(redis_server.address.port),
        "REDIS_KEY_PREFIX": f"process-test-{postgres.path.rpartition('_')[2]}:",
        "POSTGRES_HOST": str(postgres.hostname),
        "POSTGRES_PORT": str(postgres.port),
        "POSTGRES_DB": postgres.path.removeprefix("/"),
        "MANAGEMENT_PORT": str(free_port()),
        "MANAGEMENT_API_KEY": KEY,
    }


@pytest.fixture
def start(environ: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start the service with these accounts; it is ended after the test."""
    started: list[Service] = []

    def run(accounts: str = ONE_ACCOUNT) -> Service:
        (tmp_path / "accounts.yaml").write_text(accounts, encoding="utf-8")
        started.append(Service(tmp_path, environ))
        return started[-1]

    yield run
    for service in started:
        service.end(signal.SIGKILL)


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    """The running service, listening."""
    return start()


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    """An operator's client of the running service."""
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", headers=headers, timeout=60) as client:
        yield client
