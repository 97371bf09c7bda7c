"""The audit under contract: the same tests in memory and on the real PostgreSQL."""

from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from event_queue.ports.history import AuditStore
from event_queue.postgres_audit import open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.testing.memory_audit import MemoryAudit
from event_queue.testing.postgres_server import PostgresServer
from event_queue.testing.records import RecordMaker


@pytest.fixture
async def postgres_address(postgres_dsn: str) -> PostgresAddress:
    """A fresh database with its schema."""
    return _address(postgres_dsn)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.integration)])
async def audit(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> AsyncGenerator[AuditStore]:
    """An empty audit; the server starts only for the tests that use it."""
    if request.param == "memory":
        yield MemoryAudit()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    schema = (pytestconfig.rootpath / "init.sql").read_text(encoding="utf-8")
    async with open_postgres(_address(await server.create_database(schema))) as audit:
        yield audit


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncGenerator[Any]:
    """A connection of the test's own to that database."""
    driver: Any = asyncpg
    connection = await driver.connect(postgres_dsn)
    yield connection
    await connection.close()


@pytest.fixture
def maker() -> RecordMaker:
    """Records of one Redis."""
    return RecordMaker()


def _address(dsn: str) -> PostgresAddress:
    parts = urlsplit(dsn)
    return PostgresAddress(
        host=parts.hostname or "", port=parts.port or 0, user=parts.username or "", database=parts.path.lstrip("/")
    )
