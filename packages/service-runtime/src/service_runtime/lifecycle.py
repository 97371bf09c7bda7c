"""A service's life as a process: start, supervised tasks, SIGTERM, bounded shutdown, exit code.

Exit codes: 0 after SIGTERM or SIGINT, 1 when a task or the start failed, 2 when the configuration is wrong.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from enum import IntEnum
from pathlib import Path

import structlog

from service_runtime.clock import Clock, SystemClock
from service_runtime.configuration import Configuration, load_configuration
from service_runtime.errors import ConfigurationError, ServiceFailed
from service_runtime.heartbeat import beat
from service_runtime.log_setup import configure_logging
from service_runtime.small_reads import read_in_small_pieces
from service_runtime.supervisor import Supervisor

_CLOSING_SECONDS = 10
"""For what `serve` does after its tasks have ended: closing connections."""

_log = structlog.get_logger(__name__)


class ExitCode(IntEnum):
    """How the process ended, for the container's restart policy."""

    STOPPED = 0
    FAILED = 1
    MISCONFIGURED = 2


class ServiceContext:
    """What a service's `serve` gets: its configuration, the clock, the stop signal and a supervisor for its tasks."""

    def __init__(self, name: str, configuration: Configuration, clock: Clock) -> None:
        self.name = name
        self.configuration = configuration
        self.clock = clock
        self._supervisor = Supervisor(clock)

    @property
    def stopping(self) -> asyncio.Event:
        """Set once, when the service shall stop; tasks end by themselves then."""
        return self._supervisor.stopping

    def run(self, name: str, job: Callable[[], Awaitable[None]], *, restart_after_seconds: float | None = None) -> None:
        """Start a task that lives as long as the service.

        When it ends before `stopping` is set, by an error or without one, it is started again after the pause;
        without `restart_after_seconds` the whole service stops and fails.
        """
        self._supervisor.run(name, job, restart_after_seconds=restart_after_seconds)

    async def run_until_stopped(self, *, grace_seconds: float = 10) -> None:
        """Wait for the stop signal, then up to `grace_seconds` for the tasks to end, then cancel the rest.

        Returns when no task is left, so that the caller may close what they used.

        Raises:
            ServiceFailed: a task ended that must not.
        """
        await self._supervisor.run_until_stopped(grace_seconds=grace_seconds)

    @property
    def finished(self) -> asyncio.Event:
        """Set when `run_until_stopped` has left no task behind."""
        return self._supervisor.finished

    @property
    def started(self) -> bool:
        """Whether `run_until_stopped` has been reached."""
        return self._supervisor.waiting


Serve = Callable[[ServiceContext], Awaitable[None]]
"""The body of a service: opens its adapters, gives its tasks to `run`, awaits `run_until_stopped`, closes."""


def run_service(name: str, serve: Serve, *, environ: Mapping[str, str], working_directory: Path) -> ExitCode:
    """Run a service until it is stopped or fails; the value is the process's exit code.

    `HEARTBEAT_FILE` names a file to touch every five seconds, for the probe of a service without a port.
    """
    try:
        configuration = load_configuration(environ, working_directory=working_directory)
        configure_logging(configuration.settings, service=name)
        heartbeat_file = environ.get("HEARTBEAT_FILE")
        context = ServiceContext(name, configuration, SystemClock())
        # What the imports left lives as long as the process; the collector need not go through it again and again.
        gc.freeze()
        read_in_small_pieces()
        return asyncio.run(_live(context, serve, Path(heartbeat_file) if heartbeat_file else None))
    except ConfigurationError as error:
        sys.stderr.write(f"{name} cannot start: the configuration is wrong\n{error}\n")
        return ExitCode.MISCONFIGURED


async def _live(context: ServiceContext, serve: Serve, heartbeat_file: Path | None) -> ExitCode:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, context.stopping.set)
    _log.info("service_starting", trading_mode=context.configuration.settings.ibkr.trading_mode.value)
    if not context.configuration.accounts.by_id:
        _log.warning("no_accounts_configured", consequence="nothing will be rebalanced")
    heart = asyncio.create_task(beat(heartbeat_file, context.clock)) if heartbeat_file else None
    code = await supervise(context, serve)
    if heart is not None:
        heart.cancel()
    _log.info("service_stopped", exit_code=code.value)
    return code


async def supervise(context: ServiceContext, serve: Serve) -> ExitCode:
    """Run the body to its end, however it ends.

    A stop signal during a start that is still under way cancels the start; closing may take ten seconds.

    Raises:
        ConfigurationError: the body found its part of the configuration wrong.
    """
    body = asyncio.ensure_future(serve(context))
    await _first_of(body, context.stopping)
    if context.started:
        await _first_of(body, context.finished)
        await asyncio.wait({body}, timeout=_CLOSING_SECONDS)
    if not body.done():
        _log.warning("service_cancelled", during="closing" if context.started else "start")
        body.cancel()
    return await _exit_code(body)


async def _first_of(body: asyncio.Future[None], event: asyncio.Event) -> None:
    """Wait for the body's end or the event."""
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({body, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


async def _exit_code(body: asyncio.Future[None]) -> ExitCode:
    try:
        await body
    except asyncio.CancelledError:
        return ExitCode.STOPPED
    except ConfigurationError:
        raise
    except ServiceFailed as error:
        _log.error("service_failed", reason=str(error))
        return ExitCode.FAILED
    except Exception:  # noqa: BLE001 - the process's outermost handler; logged whole
        _log.exception("service_crashed")
        return ExitCode.FAILED
    return ExitCode.STOPPED
