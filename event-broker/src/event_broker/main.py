"""Where the service is put together: the only module that picks adapters."""

import os
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from socket import gethostname
from typing import Final

import structlog

from event_broker.ably_client import application_of, quieten_sdk
from event_broker.admission import Admission, admit
from event_broker.alarms import Alarms
from event_broker.continuity import Continuity, log_interruption
from event_broker.history_keeper import HistoryKeeper
from event_broker.manual_folder import ManualFolder
from event_broker.manual_health import ManualHealth
from event_broker.manual_watch import ManualWatch
from event_broker.outbox_watch import OutboxWatch
from event_broker.past_gate import GatedIntake, PastGate
from event_broker.postgres_check import check_postgres
from event_broker.purge import purge_daily
from event_broker.relay_keeper import RelayKeeper, log_set_apart
from event_broker.settings import GRACE_SECONDS
from event_broker.signal_spool import SpoolFolder
from event_broker.signals import Outlets, health_of, listening
from event_broker.spill_keeper import SpillKeeper
from event_broker.spool_keeper import OpenFolder
from event_broker.start_check import check_redis
from event_broker.taken_in import TakenIn
from event_broker.until_stopped import until_stopped
from event_queue.another_past import AnotherPast
from event_queue.components import ComponentReport
from event_queue.errors import QueueError
from event_queue.known_run import KnownRun
from event_queue.mender import Mender
from event_queue.outbox_relief import OutboxRelief
from event_queue.ports.intake import Intake
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.redis_queue import RedisAddress, RedisQueue, open_redis
from event_queue.relay import OutboxRelay
from event_queue.spill import Spill
from service_runtime.lifecycle import ServiceContext, run_service
from service_runtime.notifications.opening import notifying
from service_runtime.reporting import Reporter
from service_runtime.store_addresses import postgres_keywords, redis_keywords

RESTART_SECONDS: Final = 5.0
"""Pause before a task that failed on something unforeseen is started again."""

_log = structlog.get_logger(__name__)


def main() -> int:
    """Run the service until it is stopped."""
    return run_service("event-broker", serve, environ=os.environ, working_directory=Path.cwd())


async def serve(context: ServiceContext) -> None:
    """Take signals in and carry audit records until the service stops.

    Ably, Redis and PostgreSQL may each come up later, and come and go; none of them keeps the others from working.
    """
    settings = context.configuration.settings
    quieten_sdk()
    async with AsyncExitStack() as stack:
        alarms = Alarms(await stack.enter_async_context(notifying(context)))
        run = KnownRun()
        address = RedisAddress(**redis_keywords(settings.redis))
        redis = await stack.enter_async_context(
            open_redis(address, key_prefix=settings.redis.key_prefix, known_run=run)
        )
        audit = await stack.enter_async_context(open_postgres(PostgresAddress(**postgres_keywords(settings.postgres))))
        _start_checking(context, redis, audit)
        gate = PastGate(run)
        _start_audit(context, stack, redis, audit, gate, alarms)
        admission = _admit(context)
        intake = GatedIntake(redis.intake, gate)
        outlets = Outlets(intake, gate, redis.progress, alarms.signals_missed, _spool(context))
        await stack.enter_async_context(_signals(context, redis, outlets, admission))
        _start_files(context, redis, intake, admission, TakenIn(redis.admin, audit))
        await context.run_until_stopped(grace_seconds=GRACE_SECONDS)


def _start_checking(context: ServiceContext, redis: RedisQueue, audit: PostgresAudit) -> None:
    _run(context, "redis check", lambda: check_redis(redis.verify, redis.admin.condition, context.clock))
    _run(context, "postgres check", lambda: check_postgres(audit.dangers, context.clock))


def _start_audit(
    context: ServiceContext,
    stack: AsyncExitStack,
    redis: RedisQueue,
    audit: PostgresAudit,
    gate: PastGate,
    alarms: Alarms,
) -> None:
    async def pause(duration: timedelta) -> None:
        await context.clock.pause(duration.total_seconds())

    spill = Spill(context.configuration.settings.outbox.spill_directory, host=gethostname())
    stack.callback(spill.close)
    mender = Mender(redis.mending, audit.past)
    relay = OutboxRelay(
        redis.outbox,
        audit,
        now=context.clock.now,
        pause=pause,
        spill=spill,
        told_set_apart=log_set_apart,
        store_another_past=AnotherPast(mender, audit.past, audit).store,
    )
    watch = OutboxWatch(_relief(context, redis, spill), context.clock)
    keeper = RelayKeeper(relay, watch, context.clock)
    files = SpillKeeper(spill, mender, carry=relay.carry_files)
    history = HistoryKeeper(mender, redis.mending, files, gate, context.clock)
    retention = timedelta(days=context.configuration.settings.postgres.retention_days)
    _run(context, "history", history.run)
    history_reporter = _reporter(redis, alarms.watching(history.report))
    history.changed = history_reporter.changed
    _run(context, "history report", history_reporter.run)
    _run(context, "relay", lambda: history.carrying.while_allowed(keeper.run))
    _run(context, "outbox watch", watch.run)
    reporter = _reporter(redis, alarms.watching(keeper.report))
    watch.changed = reporter.changed
    _run(context, "relay report", reporter.run)
    _run(context, "purge", lambda: purge_daily(audit, retention, context.clock))


def _relief(context: ServiceContext, redis: RedisQueue, spill: Spill) -> OutboxRelief:
    budget = context.configuration.settings.outbox.budget_mb
    return OutboxRelief(redis.outbox, spill, budget_bytes=None if budget is None else int(budget * 1024 * 1024))


@asynccontextmanager
async def _signals(
    context: ServiceContext, redis: RedisQueue, outlets: Outlets, admission: Admission
) -> AsyncGenerator[None]:
    """Report on Ably, and listen to it where that makes sense."""
    health = health_of(context, admission, Continuity(context.clock, log_interruption))
    process = f"{gethostname()}:{os.getpid()}"
    reporter = _reporter(redis, lambda: replace(health.report(), process=process))
    health.changed = reporter.changed
    _run(context, "ably report", reporter.run)
    if admission.idle_reason is not None:
        yield
        return
    async with listening(context, partial(_run, context), outlets, admission, health):
        yield


def _spool(context: ServiceContext) -> OpenFolder:
    ably = context.configuration.settings.ably
    return lambda: SpoolFolder.open(ably.spool_directory, application_of(ably))


def _run(context: ServiceContext, name: str, job: Callable[[], Coroutine[None, None, None]]) -> None:
    context.run(name, lambda: until_stopped(context.stopping, job), restart_after_seconds=RESTART_SECONDS)


def _reporter(redis: RedisQueue, describe: Callable[[], ComponentReport]) -> Reporter[ComponentReport]:
    return Reporter(describe, redis.components.report, tolerated=QueueError)


def _start_files(
    context: ServiceContext, redis: RedisQueue, intake: Intake, admission: Admission, was_taken_in: TakenIn
) -> None:
    directory = context.configuration.settings.manual.directory
    health = ManualHealth(directory, context.clock)
    folder = ManualFolder(directory)
    watch = ManualWatch(folder, intake, admission, context.clock, health, was_taken_in=was_taken_in)
    _run(context, "manual files", watch.run)
    _run(context, "manual files report", _reporter(redis, health.report).run)


def _admit(context: ServiceContext) -> Admission:
    settings = context.configuration.settings
    admission = admit(context.configuration.accounts, settings.ibkr.trading_mode, settings.ably)
    _tell(admission)
    return admission


def _tell(admission: Admission) -> None:
    for account, remark in zip(admission.misfits, admission.remarks, strict=True):
        _log.error("account_refused", account_id=account.account_id, reason=remark)
    if admission.idle_reason is not None:
        _log.error("ably_not_connected", reason=admission.idle_reason)
