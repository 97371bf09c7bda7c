"""Secrets of every kind, each with the same mark, through a system at DEBUG that trades, fails and is asked wrongly.

One story is lived once; then every place where a mark could have been left is searched.
"""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from event_queue.testing.postgres_server import PostgresServer
from event_queue.testing.redis_server import RedisServer, running_redis
from running_system import Follower, Service, System

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

MARK = "M4rkedValue"
ABLY_KEY = f"sandbox.key1:ably-{MARK}-1"
WRONG_ABLY_KEY = f"sandbox.key1:wrong-{MARK}-2"
ALLOCATIONS_KEY = f"allocations-{MARK}-3"
OPERATORS_KEY = f"operator-{MARK}-4"
REDIS_PASSWORD = f"redis-{MARK}-5"
POSTGRES_PASSWORD = f"postgres-{MARK}-6"
NOTIFICATIONS = f"json://127.0.0.1:9/hook-{MARK}-7?+X-Token={MARK}-8 json://operator:{MARK}-9@127.0.0.1:9/"
SETTINGS: Mapping[str, str] = {
    "LOG_LEVEL": "DEBUG",
    "ABLY_API_KEY": ABLY_KEY,
    "ZEHNLABS_FINTECH_API_KEY": ALLOCATIONS_KEY,
    "MANAGEMENT_API_KEY": OPERATORS_KEY,
    "REDIS_PASSWORD": REDIS_PASSWORD,
    "POSTGRES_PASSWORD": POSTGRES_PASSWORD,
    "NOTIFICATIONS_URLS": NOTIFICATIONS,
}
WORLD: Mapping[str, Any] = {
    "instruments": [{"symbol": "A", "price": 100}],
    "ably": {"keys": [ABLY_KEY]},
    "allocations": {"key": ALLOCATIONS_KEY},
}
ECHO = json.dumps({"status": f"no such key: Authorization: Bearer {ALLOCATIONS_KEY}"})
"""An answer that shows to the caller what he has sent."""
FOLLOWERS = [
    Follower(account_id="DUGOOD", answer={"A": 1}, cash=10_000),
    Follower(account_id="DUREJECTED", answer={"A": 1}, cash=10_000),
    Follower(account_id="DUECHO", answer={"kind": "raw", "raw": ECHO}, cash=10_000),
    Follower(account_id="DUREFUSED", answer={"kind": "raw", "raw": ECHO, "status": 403}, cash=10_000),
]


@dataclass(frozen=True, slots=True)
class Traces:
    """Everything that the story has left behind, as text, by place."""

    logs: Mapping[str, str]
    replies: str
    redis: str
    history: Mapping[str, str]


def marks_in(text: str) -> list[str]:
    """The mark as it stands, in any case, or inside of base64, each with what stands around it."""
    folded = text.casefold()
    spellings = [(MARK.casefold(), folded), *((piece, text) for piece in _in_base64(MARK.encode()))]
    places = [(where.find(spelling), text) for spelling, where in spellings]
    return [around[max(at - 120, 0) : at + 60] for at, around in places if at >= 0]


def _in_base64(mark: bytes) -> list[str]:
    """The characters that depend on the mark alone, for each place at which it may begin."""
    pieces: list[str] = []
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + mark).decode().rstrip("=")
        pieces.append(encoded[(shift * 8 + 5) // 6 : (shift + len(mark)) * 8 // 6])
    return pieces


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def traces(
    open_system: Callable[..., AbstractAsyncContextManager[System]],
    postgres_server: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Traces]:
    """What is left once the story has been lived."""
    replies: list[str] = []

    async def keep(response: httpx.Response) -> None:
        await response.aread()
        replies.append(f"{response.status_code} {response.headers} {response.text}")

    with running_redis(requirepass=REDIS_PASSWORD) as redis:
        async with open_system(FOLLOWERS, WORLD, redis=redis, settings=SETTINGS) as system:
            system.api.key = {"Authorization": f"Bearer {OPERATORS_KEY}"}
            system.api.http.event_hooks = {"response": [keep]}
            await _trade(system)
            await _ask_wrongly(system)
            directory = tmp_path_factory.mktemp("ill")
            ill, _ = await asyncio.gather(_start_badly(system, directory), _be_refused(system))
            history = await _tables(postgres_server.dsn(system.broker.environment["POSTGRES_DATABASE"]))
        names = ("broker", "processor", "management")
        logs = {name: service.log.text for name, service in zip(names, system.services, strict=True)}
        yield Traces({**logs, "bad start": ill.log.text}, "\n".join(replies), _written(redis), history)


async def _trade(system: System) -> None:
    """One that succeeds, one that the brokerage rejects, and two without allocations."""
    await system.rebalance("DUGOOD")
    system.world.add_fault({"kind": "reject", "account": "DUREJECTED"})
    for account_id in ("DUREJECTED", "DUECHO", "DUREFUSED"):
        await system.api.failed(await system.signal(account_id))
    await system.processor.log.until("notification_delayed")


async def _ask_wrongly(system: System) -> None:
    """Keys that do not fit, and one where it does not belong."""
    body = {"account_id": "DUGOOD", "exec_command": "print-equity"}
    for headers in ({"Authorization": f"Bearer {OPERATORS_KEY}x"}, {"Authorization": f"Basic {MARK}"}, {}):
        await system.api.http.post("/queue/events", json=body, headers=headers)
    await system.api.http.post("/queue/events", content=b"{", headers=dict(system.api.key))
    await system.posted("DUGOOD", "print-equity")
    for path in ("/health", "/queue/status", "/queue/events", "/events", "/openapi.json", "/metrics"):
        await system.api.http.get(path)


async def _be_refused(system: System) -> None:
    """By Ably with a key that it revokes and with a wrong one, and by Redis."""
    system.sandbox.ably.revoke_key(ABLY_KEY)
    await system.api.component("ably", "down")
    system.broker.environment["ABLY_API_KEY"] = WRONG_ABLY_KEY
    system.management.environment["REDIS_PASSWORD"] = f"wrong-{MARK}"
    mark = len(system.broker.log)
    await asyncio.gather(system.broker.restart(), system.management.restart())
    await system.broker.log.until("ably_session_ended", since=mark)
    await system.api.component("redis", "down")


async def _start_badly(system: System, directory: Path) -> Service:
    """A service whose secrets stand where none belongs, or in a shape that none has."""
    config = directory / "config.yaml"
    config.write_text(f"redis: {{password: [{MARK}]}}\nmanagement: {{api-key: {MARK}, api_key: {{a: {MARK}}}}}\n")
    environment = {**system.broker.environment, "CONFIG_FILE": str(config), "POSTGRES_PORT": "none"}
    del environment["REDIS_PASSWORD"]
    ill = Service("event_broker", environment, directory)
    await ill.start()
    assert await ill.ended() != 0
    return ill


async def _tables(dsn: str) -> dict[str, str]:
    """Every row of every table, by table."""
    driver: Any = asyncpg
    connection = await driver.connect(dsn)
    try:
        names = await connection.fetch("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        return {name: str(await connection.fetch(f"SELECT t::text FROM {name} t")) for (name,) in names}  # noqa: S608 - names that the server has quoted
    finally:
        await connection.close()


def _written(redis: RedisServer) -> str:
    """All that was ever written to Redis, keys that are gone included: its append-only file."""
    files = sorted(redis.directory.rglob("*.aof"))
    return "\n".join(file.read_bytes().decode("utf-8", "replace") for file in files)


async def test_no_log_tells_a_secret(traces: Traces) -> None:
    """Not at DEBUG, not by a library, not in a traceback, not in the words of a start that is refused."""
    assert {name: marks_in(text) for name, text in traces.logs.items()} == {name: [] for name in traces.logs}
    assert '"level": "debug"' in traces.logs["broker"]
    assert '"level": "debug"' in traces.logs["processor"]
    assert "redis.password" in traces.logs["bad start"]


async def test_no_reply_tells_a_secret(traces: Traces) -> None:
    """Neither to those who know the key nor to those who do not."""
    assert marks_in(traces.replies) == []
    assert "\n401 " in traces.replies
    assert "\n503 " in traces.replies
    assert "no such key" in traces.replies


async def test_nothing_written_to_redis_holds_a_secret(traces: Traces) -> None:
    """Whoever reads Redis or its files learns no key."""
    assert marks_in(traces.redis) == []
    assert all(follower.account_id in traces.redis for follower in FOLLOWERS)


async def test_no_row_of_the_history_holds_a_secret(traces: Traces) -> None:
    """It is kept for years, and read by many."""
    assert {name: marks_in(rows) for name, rows in traces.history.items()} == {name: [] for name in traces.history}
    assert all(follower.account_id in traces.history["rebalance_events"] for follower in FOLLOWERS)


@pytest.mark.parametrize("before", ["", "a", "ab", "key:"])
async def test_a_mark_would_be_found(before: str) -> None:
    """In URLs in small letters, and in Basic headers whatever stands before it."""
    encoded = base64.b64encode(f"{before}{MARK}xyz".encode()).decode()

    assert marks_in(f"GET http://{before}{MARK.lower()}/") != []
    assert marks_in(f"Authorization: Basic {encoded}") != []
    assert marks_in("Authorization: Basic ***") == []
