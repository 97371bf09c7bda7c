"""The API on a real socket, with real Redis and PostgreSQL behind it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from event_queue.postgres_audit import open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.redis_queue import RedisQueue
from event_queue.testing.postgres_server import PostgresServer
from management_service.app import create_app
from management_service.bounded_protocol import BoundedProtocol
from management_service.dependencies import Dependencies
from management_service.http_server import bind, serve_http
from service_runtime.accounts import AccountConfig, Accounts, NotificationConfig
from service_runtime.clock import SystemClock
from service_runtime.settings import TradingMode

KEY = "the-right-and-only-key"


@dataclass(frozen=True, slots=True)
class LiveApi:
    """A served API, and how to reach it."""

    host: str
    port: int
    dependencies: Dependencies
    key: str = KEY

    @property
    def url(self) -> str:
        """Where its paths begin."""
        return f"http://{self.host}:{self.port}"

    def client(self, key: str | None = KEY, **more: Any) -> httpx.AsyncClient:
        """A client with a key."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60, **more)

    async def send(self, *pieces: bytes, seconds: float = 60) -> bytes:
        """Whatever comes back for these bytes on a connection of their own, until the service ends it."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            async with asyncio.timeout(seconds):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


def account(account_id: str) -> AccountConfig:
    return AccountConfig(account_id=account_id, notification=NotificationConfig(channel="model"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def history_dsn(postgres_server: PostgresServer, pytestconfig: pytest.Config) -> str:
    """A database that all tests of a process share, since each looks for its own events in it."""
    return await postgres_server.create_database((pytestconfig.rootpath / "init.sql").read_text("utf-8"))


@pytest.fixture
async def dependencies(redis_queue: RedisQueue, history_dsn: str) -> AsyncGenerator[Dependencies]:
    """Two paper accounts and a key."""
    place = urlsplit(history_dsn)
    address = PostgresAddress(
        host=str(place.hostname),
        port=place.port or 0,
        database=place.path.removeprefix("/"),
        user="postgres",
        password="postgres",
    )
    async with open_postgres(address) as audit:
        yield Dependencies(
            intake=redis_queue.intake,
            admin=redis_queue.admin,
            verify=redis_queue.verify,
            audit=audit,
            board=redis_queue.components,
            trading=redis_queue.trading,
            accounts=Accounts(by_id={name: account(name) for name in ("DU123456", "DU789012")}, disabled=frozenset()),
            trading_mode=TradingMode.PAPER,
            api_key=SecretStr(KEY),
            clock=SystemClock(),
        )


OpenApi = Callable[..., AbstractAsyncContextManager[LiveApi]]


@pytest.fixture
def open_api(dependencies: Dependencies) -> OpenApi:
    """Serves the API, by a protocol and with some dependencies changed."""

    @asynccontextmanager
    async def served(protocol: type[BoundedProtocol] = BoundedProtocol, **changes: Any) -> AsyncGenerator[LiveApi]:
        used = replace(dependencies, **changes)
        stopping = asyncio.Event()
        with bind("127.0.0.1", 0) as listener:
            serving = asyncio.create_task(serve_http(create_app(used), listener, stopping, protocol=protocol))
            try:
                yield LiveApi("127.0.0.1", listener.getsockname()[1], used)
            finally:
                stopping.set()
                await serving

    return served


@pytest.fixture
async def api(open_api: OpenApi) -> AsyncGenerator[LiveApi]:
    """The API, served."""
    async with open_api() as live:
        yield live


@pytest.fixture
def statuses() -> Callable[[bytes], Sequence[int]]:
    """Reads the status of every answer out of what came back."""

    def read(answers: bytes) -> Sequence[int]:
        heads = answers.split(b"HTTP/1.1 ")[1:]
        return [int(head[:3]) for head in heads]

    return read
