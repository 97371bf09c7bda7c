"""The service put together: the only place, with `broker_factory`, that picks adapters."""

import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import structlog

from event_processor.allocations import AllocationsClient
from event_processor.attempts import Attempts
from event_processor.broker_factory import BrokerName, create_broker
from event_processor.broker_session import BrokerSession
from event_processor.commands import CommandRunner
from event_processor.fill_watch import FillWatch
from event_processor.history_gate import HistoryGate
from event_processor.lease_guard import LeaseGuard
from event_processor.lease_holder import LeaseHolder
from event_processor.lease_keeper import NOT_SOLE, LeaseKeeper
from event_processor.live_permission import LivePermission
from event_processor.operator_attention import OperatorAttention
from event_processor.replacement_sets import load_replacement_sets
from event_processor.stop_limits import StopLimits
from event_processor.target_source import TargetSource
from event_processor.trading_halt import TradingHalt
from event_processor.worker import Worker
from event_processor.worker_status import WORKER, WorkerStatus
from event_queue.components import ComponentReport
from event_queue.errors import QueueError
from event_queue.outcomes import Lease
from event_queue.ports.operators import ComponentBoard
from event_queue.redis_queue import RedisAddress, RedisQueue, open_redis
from service_runtime.lifecycle import ServiceContext, run_service
from service_runtime.notifications.notice import Notifier
from service_runtime.notifications.opening import notifying
from service_runtime.redaction import Redactor, secrets_of
from service_runtime.reporting import Reporter
from service_runtime.store_addresses import redis_keywords

_log = structlog.get_logger(__name__)

_SHUTDOWN_MARGIN_SECONDS = 10.0
"""Above the grace of the orders in flight: for writing down how the attempt ended, and closing connections."""


def main() -> int:
    """Run the service until it is stopped."""
    return run_service("event-processor", serve, environ=os.environ, working_directory=Path.cwd())


async def serve(context: ServiceContext) -> None:
    """Open the queue and the brokerages, work until stopped, close."""
    settings = context.configuration.settings
    async with AsyncExitStack() as stack:
        notifier = await stack.enter_async_context(notifying(context))
        redis = await stack.enter_async_context(
            open_redis(RedisAddress(**redis_keywords(settings.redis)), key_prefix=settings.redis.key_prefix)
        )
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=settings.allocations.timeout_seconds))
        worker = build_worker(context, redis, open_sessions(context), http, notifier)
        context.run("worker", worker.run)
        await context.run_until_stopped(
            grace_seconds=settings.processing.shutdown_grace_seconds + _SHUTDOWN_MARGIN_SECONDS
        )


def open_sessions(context: ServiceContext) -> Mapping[str, BrokerSession]:
    """One session for each brokerage that an account names, none connected yet."""
    settings = context.configuration.settings
    names: set[BrokerName] = {account.broker for account in context.configuration.accounts.by_id.values()}
    return {
        name: BrokerSession(
            create_broker(name, settings, context.clock),
            context.clock,
            reconnect_seconds=settings.processing.pause_connection_seconds,
        )
        for name in sorted(names)
    }


def build_worker(
    context: ServiceContext,
    redis: RedisQueue,
    sessions: Mapping[str, BrokerSession],
    http: httpx.AsyncClient,
    notifier: Notifier,
) -> Worker:
    """Wire the worker by hand."""
    processing = context.configuration.settings.processing
    guard, limits = LeaseGuard(context.stopping), StopLimits(context.stopping)
    status = WorkerStatus()
    reporter = _worker_reporter(status, context, redis.components, guard)
    status.on_change(reporter.changed)

    async def disconnect() -> None:
        for session in sessions.values():
            await session.close()

    return Worker(
        queue=redis.worker,
        attempts=_attempts(context, build_commands(context, redis, sessions, http), guard, limits, notifier),
        keeper=_lease_keeper(context, redis, guard, status),
        guard=guard,
        clock=context.clock,
        settings=processing,
        status=status,
        stop=context.stopping,
        limits=limits,
        while_leading=(
            reporter.run,
            *(session.watch for session in sessions.values()),
            *(_session_reporter(session, context, redis.components, guard).run for session in sessions.values()),
        ),
        keep_books=tuple(FillWatch(session).run for session in sessions.values()),
        take_charge=lambda: check_redis(redis),
        step_down=disconnect,
    )


def _lease_keeper(context: ServiceContext, redis: RedisQueue, guard: LeaseGuard, status: WorkerStatus) -> LeaseKeeper:
    async def tell_waiting(lease: Lease, seconds: float) -> None:
        now = context.clock.now()
        with suppress(QueueError):
            await redis.components.report(status.report_waiting(lease, seconds=seconds, reason=NOT_SOLE, now=now))

    ttl = timedelta(seconds=context.configuration.settings.processing.lease_seconds)
    holder = LeaseHolder.this_process()
    return LeaseKeeper(redis.worker, context.clock, guard, holder, ttl, tell_waiting, redis.components)


def _attempts(
    context: ServiceContext, commands: CommandRunner, guard: LeaseGuard, limits: StopLimits, notifier: Notifier
) -> Attempts:
    settings = context.configuration.settings
    return Attempts(
        commands=commands,
        guard=guard,
        limits=limits,
        grace_seconds=settings.processing.shutdown_grace_seconds,
        redact=Redactor(secrets_of(settings)).text,
        attention=OperatorAttention(notifier),
    )


def build_commands(
    context: ServiceContext,
    redis: RedisQueue,
    sessions: Mapping[str, BrokerSession],
    http: httpx.AsyncClient,
) -> CommandRunner:
    """The commands with everything they use."""
    configuration, settings = context.configuration, context.configuration.settings
    sets = load_replacement_sets(configuration.replacement_sets_file)
    gate = HistoryGate(TradingHalt(redis.components), redis.mending, redis.components)
    return CommandRunner(
        accounts=configuration.accounts,
        brokers=sessions,
        targets=TargetSource(AllocationsClient(http, settings.allocations), sets),
        orders=settings.orders,
        trading_mode=settings.ibkr.trading_mode,
        permission=LivePermission(gate, redis.trading),
        age_of=redis.worker.age_of,
        clock=context.clock,
        price_cache_seconds=settings.ibkr.price_cache_seconds,
        max_event_age_seconds=settings.processing.max_event_age_seconds,
    )


async def check_redis(redis: RedisQueue) -> None:
    """Say why Redis takes no writes or may lose events, and refuse to work on keys of a wrong kind.

    Raises:
        CorruptQueue: a key of the queue has another type.
        QueueUnavailable: Redis did not answer.
    """
    await redis.verify()
    condition = await redis.admin.condition()
    for reason in condition.refusals:
        _log.error("redis_takes_no_writes", reason=reason)
    for reason in condition.dangers:
        _log.warning("redis_not_durable", reason=reason)


def _session_reporter(
    session: BrokerSession, context: ServiceContext, board: ComponentBoard, guard: LeaseGuard
) -> Reporter[ComponentReport | None]:
    reporter = _reporter(lambda: session.report(context.clock.now()), board, guard)
    session.on_change(reporter.changed)
    return reporter


def _worker_reporter(
    status: WorkerStatus, context: ServiceContext, board: ComponentBoard, guard: LeaseGuard
) -> Reporter[ComponentReport | None]:
    """The first report under a lease goes on from the last one of whoever led before."""

    async def post(report: ComponentReport | None) -> None:
        if report is not None and not status.follows:
            status.follow((await board.read()).get(WORKER))
            report = status.report(context.clock.now())
        await _post_while_leading(report, board, guard)

    return Reporter(lambda: status.report(context.clock.now()), post, tolerated=QueueError)


def _reporter(
    describe: Callable[[], ComponentReport | None], board: ComponentBoard, guard: LeaseGuard
) -> Reporter[ComponentReport | None]:
    async def post(report: ComponentReport | None) -> None:
        await _post_while_leading(report, board, guard)

    return Reporter(describe, post, tolerated=QueueError)


async def _post_while_leading(report: ComponentReport | None, board: ComponentBoard, guard: LeaseGuard) -> None:
    """What a worker says of itself counts while it leads: one that woke up too late would speak for another."""
    if report is not None and guard.remaining_seconds > 0:
        await board.report(report)
