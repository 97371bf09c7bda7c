"""The whole system, started in order and stopped in reverse."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rebalancer_cli.errors import StackFailed
from rebalancer_cli.stack.child_process import ChildProcess, LineListener
from rebalancer_cli.stack.embedded_postgres import PostgresAddress, embedded_postgres
from rebalancer_cli.stack.embedded_redis import RedisAddress, embedded_redis, free_port
from rebalancer_cli.stack.environment import store_settings, world_settings
from rebalancer_cli.stack.management_api import ManagementApi
from rebalancer_cli.stack.simulated_world import WorldAddress, simulated_world

SERVICES = {
    "event-broker": "event_broker",
    "event-processor": "event_processor",
    "management-service": "management_service",
}
_READY_SECONDS = 40


@dataclass(frozen=True, slots=True)
class StackPlan:
    """What to start and with which settings."""

    project: Path
    """Folder with init.sql."""
    data: Path
    """Where Redis, PostgreSQL and the logs live."""
    environment: Mapping[str, str]
    """Settings of the services; those of the embedded parts are laid over them."""
    management_port: int
    api_key: str
    world: Mapping[str, Any] | None
    """The simulated outside world, or None for the real one."""

    @property
    def logs(self) -> Path:
        """Where every process writes."""
        return self.data / "logs"

    def prepare(self) -> str:
        """Make the folders and read the database schema.

        Raises:
            StackFailed: the project's folder has no init.sql.
        """
        for folder in (self.logs, self.data / "redis"):
            folder.mkdir(parents=True, exist_ok=True)
        schema = self.project / "init.sql"
        if not schema.is_file():
            raise StackFailed(f"there is no init.sql in {self.project}: run this in the project's folder")
        return schema.read_text("utf-8")


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A system that is up."""

    api: ManagementApi
    world: WorldAddress | None
    redis: RedisAddress
    postgres: PostgresAddress
    services: Sequence[ChildProcess]

    async def wait_until_something_ends(self) -> StackFailed:
        """Wait until a service ends by itself; the value says which, and how."""
        tasks = [asyncio.create_task(service.wait_until_ended()) for service in self.services]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        return done.pop().result()


@contextlib.asynccontextmanager
async def running_stack(plan: StackPlan, listener: LineListener) -> AsyncGenerator[RunningStack]:
    """Start everything side by side where it can be, and yield when the management service answers."""
    schema = plan.prepare()
    async with contextlib.AsyncExitStack() as stack:
        redis, postgres, world = await _enter_stores_and_world(stack, plan, schema, listener)
        environment = {
            **plan.environment,
            **store_settings(redis, postgres),
            **(world_settings(world) if world else {}),
            "MANAGEMENT_PORT": str(plan.management_port),
            "MANAGEMENT_API_KEY": plan.api_key,
        }
        services = await _start_services(stack, environment, plan.logs, listener)
        api = await stack.enter_async_context(ManagementApi(f"http://127.0.0.1:{plan.management_port}", plan.api_key))
        running = RunningStack(api, world, redis, postgres, services)
        await _wait_until_ready(running)
        yield running


async def _enter_stores_and_world(
    stack: contextlib.AsyncExitStack, plan: StackPlan, schema: str, listener: LineListener
) -> tuple[RedisAddress, PostgresAddress, WorldAddress | None]:
    redis = await stack.enter_async_context(embedded_redis(plan.data / "redis", plan.logs, listener, port=free_port()))
    postgres = await stack.enter_async_context(embedded_postgres(plan.data / "postgres", schema))
    world = None
    if plan.world is not None:
        world = await stack.enter_async_context(simulated_world(plan.world, plan.data, plan.logs, listener))
    return redis, postgres, world


async def _start_services(
    stack: contextlib.AsyncExitStack, environment: Mapping[str, str], logs: Path, listener: LineListener
) -> list[ChildProcess]:
    started: list[ChildProcess] = []
    for name, module in SERVICES.items():
        process = await ChildProcess.start(
            name,
            [sys.executable, "-m", module],
            environment=environment,
            log_file=logs / f"{name}.log",
            listener=listener,
        )
        stack.push_async_callback(process.stop)
        started.append(process)
    return started


async def _wait_until_ready(running: RunningStack) -> None:
    ready = asyncio.create_task(running.api.wait_until_ready(timeout_seconds=_READY_SECONDS))
    ended = asyncio.create_task(running.wait_until_something_ends())
    try:
        await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            raise ended.result()
        await ready
    finally:
        ready.cancel()
        ended.cancel()
