"""Where the service is put together: the only module that picks adapters."""

import os
from contextlib import AsyncExitStack
from pathlib import Path

from event_queue.known_run import KnownRun
from event_queue.mender import Mender
from event_queue.postgres_audit import open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.redis_queue import RedisAddress, open_redis
from event_queue.wary_intake import WaryIntake
from management_service.announced_switch import AnnouncedSwitch
from management_service.app import create_app
from management_service.dependencies import Dependencies
from management_service.http_server import bind, serve_http
from management_service.remembered_reports import RememberedReports
from service_runtime.lifecycle import ServiceContext, run_service
from service_runtime.notifications.opening import notifying
from service_runtime.settings import Settings
from service_runtime.store_addresses import postgres_keywords, redis_keywords


def main() -> int:
    """Run the service until it is stopped."""
    return run_service("management-service", serve, environ=os.environ, working_directory=Path.cwd())


async def serve(context: ServiceContext) -> None:
    """Serve the API until the service stops; Redis and PostgreSQL may come up later, and come and go."""
    settings = context.configuration.settings
    async with AsyncExitStack() as stack:
        dependencies = await _open(stack, context, settings)
        listener = stack.enter_context(bind(settings.management.host, settings.management.port))
        app = create_app(dependencies)
        context.run("http", lambda: serve_http(app, listener, context.stopping))
        await context.run_until_stopped()


async def _open(stack: AsyncExitStack, context: ServiceContext, settings: Settings) -> Dependencies:
    notifier = await stack.enter_async_context(notifying(context))
    run = KnownRun()
    address = RedisAddress(**redis_keywords(settings.redis))
    queue = await stack.enter_async_context(open_redis(address, key_prefix=settings.redis.key_prefix, known_run=run))
    audit = await stack.enter_async_context(open_postgres(PostgresAddress(**postgres_keywords(settings.postgres))))
    mender = Mender(queue.mending, audit.past)
    return Dependencies(
        intake=WaryIntake(queue.intake, mender, run),
        admin=queue.admin,
        verify=queue.examine,
        audit=audit,
        board=RememberedReports(queue.components),
        trading=AnnouncedSwitch(queue.trading, notifier),
        accounts=context.configuration.accounts,
        trading_mode=settings.ibkr.trading_mode,
        api_key=settings.management.api_key,
        clock=context.clock,
        mender=mender,
    )
