"""The service as wired for production: Redis is real, the gateway is a closed port."""

import asyncio
import json
import socket
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from event_processor.broker_factory import connection_settings
from event_processor.main import serve
from event_processor.testing.scenario import NOON
from event_processor.testing.worker_world import account_config
from event_queue.audit import AuditKind
from event_queue.components import ComponentReport, ComponentState
from event_queue.events import Command, RebalanceEvent
from event_queue.redis_queue import RedisQueue
from event_queue.testing.redis_server import RedisServer
from service_runtime.accounts import Accounts
from service_runtime.clock import SystemClock
from service_runtime.configuration import Configuration
from service_runtime.lifecycle import ExitCode, ServiceContext, supervise
from service_runtime.settings import IbkrSettings, ProcessingSettings, RedisSettings, Settings, TradingMode


def _closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def context(redis_server: RedisServer) -> ServiceContext:
    """A service with one account, before a gateway that is not there."""
    settings = Settings(
        redis=RedisSettings(host=redis_server.address.host, port=redis_server.address.port),
        ibkr=IbkrSettings(host="127.0.0.1", port=_closed_port(), connect_tries=1),
        processing=ProcessingSettings(shutdown_grace_seconds=1),
    )
    accounts = Accounts({"DU1": account_config("DU1")})
    return ServiceContext("event-processor", Configuration(settings, accounts, None), SystemClock())


async def _reports(queue: RedisQueue, *names: str) -> Mapping[str, ComponentReport]:
    """Wait until each of these parts has reported."""
    while not set(names) <= (reports := await queue.components.read()).keys():
        await SystemClock().pause(0.01)
    return reports


async def _someone_follows(queue: RedisQueue) -> None:
    """Wait until somebody waits for the reports of the parts."""
    client: Any = queue.client
    channel = queue.keys.components
    while dict(await client.pubsub_numsub(channel))[channel] == 0:
        await SystemClock().pause(0.01)


async def _next(queue: RedisQueue, kind: AuditKind) -> dict[str, Any]:
    position = "0-0"
    while True:
        for record in await queue.outbox.read(position, limit=1, block=timedelta(seconds=1)):
            position = record.stream_id
            if record.kind is kind:
                return json.loads(record.details_json)


async def test_it_works_reports_and_stops(context: ServiceContext, redis_queue: RedisQueue) -> None:
    """An absent gateway fails events, not the service; SIGTERM ends it with 0 and frees the lease."""
    event = RebalanceEvent.new(account_id="DU1", exec_command=Command.PRINT_EQUITY, source="api", now=NOON, data={})
    await redis_queue.intake.enqueue(event)
    service = asyncio.create_task(supervise(context, serve))

    failure = await _next(redis_queue, AuditKind.REQUEUED)
    reports = await _reports(redis_queue, "worker", "gateway")
    context.stopping.set()
    code = await service

    assert failure["result"]["failure_kind"] == "connection"
    assert reports["gateway"].state is ComponentState.DOWN
    assert reports["worker"].state is ComponentState.OK
    assert code is ExitCode.STOPPED
    client: Any = redis_queue.client
    assert await client.get(redis_queue.keys.lease) is None


async def test_a_key_of_a_wrong_kind_is_waited_for(context: ServiceContext, redis_queue: RedisQueue) -> None:
    """Nothing is claimed, for scripts would stop halfway on it; the work begins as soon as it has been put right."""
    client: Any = redis_queue.client
    event = RebalanceEvent.new(account_id="DU1", exec_command=Command.REBALANCE, source="api", now=NOON)
    await redis_queue.intake.enqueue(event)
    await client.set(redis_queue.keys.parked, "not a hash")
    service = asyncio.create_task(supervise(context, serve))
    ended, _ = await asyncio.wait({service}, timeout=0.5)

    await client.delete(redis_queue.keys.parked)
    await _next(redis_queue, AuditKind.CLAIMED)
    context.stopping.set()

    assert ended == set()
    assert await service is ExitCode.STOPPED


async def test_no_live_run_while_the_history_contradicts_the_queue(
    context: ServiceContext, redis_queue: RedisQueue
) -> None:
    """Ended events may stand in the queue again: it waits, and goes on as soon as it hears that both agree."""
    contradiction = ComponentReport("relay", ComponentState.DOWN, "Redis went back in time", {}, NOON)
    await redis_queue.components.report(contradiction)
    event = RebalanceEvent.new(account_id="DU1", exec_command=Command.REBALANCE, source="api", now=NOON)
    await redis_queue.intake.enqueue(event)
    service = asyncio.create_task(supervise(context, serve))
    await _someone_follows(redis_queue)
    kinds = [record.kind for record in await redis_queue.outbox.read("0-0", limit=10, block=timedelta(seconds=1))]

    await redis_queue.components.report(replace(contradiction, state=ComponentState.OK))
    failure = await _next(redis_queue, AuditKind.REQUEUED)
    context.stopping.set()
    await service

    assert kinds == [AuditKind.QUEUED, AuditKind.CLAIMED]
    assert failure["result"]["failure_kind"] == "connection"


async def test_an_absent_postgresql_is_no_contradiction(context: ServiceContext, redis_queue: RedisQueue) -> None:
    """A relay that lags is degraded, and trading goes on as far as the gateway."""
    report = ComponentReport("relay", ComponentState.DEGRADED, "PostgreSQL is away", {}, NOON)
    await redis_queue.components.report(report)
    event = RebalanceEvent.new(account_id="DU1", exec_command=Command.REBALANCE, source="api", now=NOON)
    await redis_queue.intake.enqueue(event)
    service = asyncio.create_task(supervise(context, serve))

    failure = await _next(redis_queue, AuditKind.REQUEUED)
    context.stopping.set()
    await service

    assert failure["result"]["failure_kind"] == "connection"


def test_the_connector_is_told_what_the_settings_say() -> None:
    """Nothing is left to its defaults that an operator can set."""
    settings = IbkrSettings(host="gw", port=4003, client_id=5, trading_mode=TradingMode.LIVE, price_wait_seconds=3)

    told = connection_settings(settings)

    assert (told.address, told.client_id, told.trading_mode, told.price_wait_seconds) == ("gw:4003", 5, "live", 3)
    assert told == replace(told, max_spread_percent=2.0, connect_tries=3, request_timeout_seconds=20)
