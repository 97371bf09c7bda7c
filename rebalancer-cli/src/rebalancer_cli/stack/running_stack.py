"""The whole system, started side by side where it can be, and stopped in reverse."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rebalancer_cli.stack.child_process import ChildProcess, Launcher, LineListener
from rebalancer_cli.stack.data_folder import locked
from rebalancer_cli.stack.embedded_postgres import PostgresAddress, embedded_postgres
from rebalancer_cli.stack.embedded_redis import RedisServer, embedded_redis
from rebalancer_cli.stack.environment import store_settings, world_settings
from rebalancer_cli.stack.leftovers import end_leftovers
from rebalancer_cli.stack.management_api import ManagementApi
from rebalancer_cli.stack.plan import StackPlan
from rebalancer_cli.stack.ports import reserved
from rebalancer_cli.stack.simulated_world import SimulatedWorld, WorldAddress, simulated_world

SERVICES = {
    "event-broker": "event_broker",
    "event-processor": "event_processor",
    "management-service": "management_service",
}
_READY_SECONDS = 40

ResultT = TypeVar("ResultT")
ServiceStarter = Callable[[str], contextlib.AbstractAsyncContextManager[ChildProcess]]


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A system that is up."""

    api: ManagementApi
    world: WorldAddress | None
    processes: Sequence[ChildProcess]
    start_service: ServiceStarter
    """Runs one of the services, by its name, until the context is left."""

    async def attend(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Result of `work`, given up as soon as a process of the system ends.

        Raises:
            StackFailed: which process ended, and its last words.
        """
        working = asyncio.ensure_future(work)
        ends = [asyncio.create_task(process.wait_until_ended()) for process in self.processes]
        try:
            await asyncio.wait({working, *ends}, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                if end.done():
                    raise end.result()
            return working.result()
        finally:
            for task in (working, *ends):
                task.cancel()
            await asyncio.gather(working, *ends, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the services stand on."""

    redis: RedisServer
    postgres: PostgresAddress
    world: SimulatedWorld | None

    @property
    def processes(self) -> list[ChildProcess]:
        return [self.redis.process, *([self.world.process] if self.world else [])]


@contextlib.asynccontextmanager
async def running_stack(
    plan: StackPlan, listener: LineListener, tell: Callable[[str], None]
) -> AsyncGenerator[RunningStack]:
    """Start everything, and yield when the management service answers.

    Args:
        plan: what to start.
        listener: hears every line of every process.
        tell: is told, in words, what a person should know.

    Raises:
        StackFailed: a part did not start; nothing is left running.
    """
    with locked(plan.data):
        for name in await asyncio.to_thread(end_leftovers, plan.data):
            tell(f"ended {name}, left by a run that was killed")
        launcher = Launcher(plan.data, listener)
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(reserved(plan.management_host, plan.management_port))
            ground = await _lay_ground(stack, plan, launcher)
            start = _starter(plan, launcher, _settings(plan, ground))
            services = [await stack.enter_async_context(start(name)) for name in SERVICES]
            url = f"http://{plan.management_host}:{plan.management_port}"
            api = await stack.enter_async_context(ManagementApi(url, plan.api_key))
            address = ground.world.address if ground.world else None
            running = RunningStack(api, address, [*services, *ground.processes], start)
            await running.attend(api.wait_until_ready(timeout_seconds=_READY_SECONDS))
            yield running


async def _lay_ground(stack: contextlib.AsyncExitStack, plan: StackPlan, launcher: Launcher) -> _Ground:
    """Start Redis, PostgreSQL and the simulated world at once."""
    enter = stack.enter_async_context
    try:
        async with asyncio.TaskGroup() as group:
            redis = group.create_task(enter(embedded_redis(launcher)))
            postgres = group.create_task(enter(embedded_postgres(plan.data, plan.schema)))
            world = group.create_task(enter(simulated_world(plan.world, launcher))) if plan.world else None
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None  # the others were cancelled by it
    return _Ground(redis.result(), postgres.result(), world.result() if world else None)


def _settings(plan: StackPlan, ground: _Ground) -> Mapping[str, str]:
    return {
        **plan.environment,
        **store_settings(ground.redis, ground.postgres),
        **(world_settings(ground.world.address) if ground.world else {}),
        "MANAGEMENT_PORT": str(plan.management_port),
        "MANAGEMENT_API_KEY": plan.api_key,
    }


def _starter(plan: StackPlan, launcher: Launcher, environment: Mapping[str, str]) -> ServiceStarter:
    def start(name: str) -> contextlib.AbstractAsyncContextManager[ChildProcess]:
        command = [sys.executable, "-m", SERVICES[name]]
        return launcher.running(name, command, environment=environment, folder=plan.folder)

    return start
