"""The application on a real Redis with a history in memory, asked in-process."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from event_queue.events import Command, RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue
from event_queue.testing.memory_audit import MemoryAudit
from management_service.app import create_app
from management_service.dependencies import Dependencies
from management_service.remembered_reports import RememberedReports
from service_runtime.accounts import AccountConfig, Accounts, NotificationConfig, RebalancingConfig
from service_runtime.settings import TradingMode

KEY = "an-operators-key"
NOW = datetime(2023, 12, 1, 10, 0, 0, tzinfo=UTC)


class StoppedClock:
    """Always the same moment."""

    def now(self) -> datetime:
        return NOW

    async def pause(self, seconds: float) -> None:
        raise AssertionError(f"nothing here pauses, and not for {seconds} s")


def account(account_id: str) -> AccountConfig:
    return AccountConfig(
        account_id=account_id,
        notification=NotificationConfig(channel="strategy-name-100"),
        rebalancing=RebalancingConfig(equity_reserve_percentage=Decimal(1)),
    )


@pytest.fixture
def now() -> datetime:
    """What the application's clock says."""
    return NOW


@pytest.fixture
def audit() -> MemoryAudit:
    """The history, which a test fills by `relay` or makes unavailable."""
    return MemoryAudit()


@pytest.fixture
def dependencies(redis_queue: RedisQueue, audit: MemoryAudit) -> Dependencies:
    """Two paper accounts, one live one, one disabled; paper trading; a key."""
    accounts = Accounts(
        by_id={name: account(name) for name in ("DU123456", "DU789012", "U7654321")}, disabled=frozenset({"DU000000"})
    )
    return Dependencies(
        intake=redis_queue.intake,
        admin=redis_queue.admin,
        verify=redis_queue.verify,
        audit=audit,
        board=RememberedReports(redis_queue.components),
        trading=redis_queue.trading,
        accounts=accounts,
        trading_mode=TradingMode.PAPER,
        api_key=SecretStr(KEY),
        clock=StoppedClock(),
    )


Connect = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def connect(dependencies: Dependencies) -> AsyncIterator[Connect]:
    """Open a client of an application with some dependencies changed; `key` None sends no key."""
    opened: list[httpx.AsyncClient] = []

    def open_client(*, key: str | bytes | None = KEY, **changes: Any) -> httpx.AsyncClient:
        app = create_app(replace(dependencies, **changes))
        raw = key.encode() if isinstance(key, str) else key
        headers = {} if raw is None else {b"Authorization": b"Bearer " + raw}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers)
        opened.append(client)
        return client

    yield open_client
    for client in opened:
        await client.aclose()


@pytest.fixture
def client(connect: Connect) -> httpx.AsyncClient:
    """An operator with the right key."""
    return connect()


@pytest.fixture
def body() -> dict[str, Any]:
    """The documents' example of a new event."""
    return {"account_id": "DU123456", "exec_command": "rebalance", "data": {"exec": "rebalance"}}


@pytest.fixture
async def lease(redis_queue: RedisQueue) -> Lease:
    """The worker's lease, for tests that play the worker."""
    lease = await redis_queue.worker.acquire_lease("worker-1", ttl=timedelta(seconds=15))
    assert isinstance(lease, Lease)
    return lease


@pytest.fixture
def relay(redis_queue: RedisQueue, audit: MemoryAudit) -> Callable[[], Any]:
    """Carry what the outbox holds into the history, as the event-broker does."""

    async def carry() -> None:
        records = await redis_queue.outbox.read("0-0", limit=100, block=timedelta(milliseconds=1))
        await audit.append(records)

    return carry


@pytest.fixture
def new_event() -> Callable[..., RebalanceEvent]:
    """Make an event for an account, a minute old."""

    def make(account_id: str = "DU123456", command: Command = Command.REBALANCE) -> RebalanceEvent:
        created = NOW - timedelta(minutes=1)
        return RebalanceEvent.new(
            account_id=account_id, exec_command=command, source="ably", now=created, data={"a": 1}
        )

    return make
