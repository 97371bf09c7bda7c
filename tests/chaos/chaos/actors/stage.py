"""What every actor has: its arguments, a voice, the queue, and time that runs faster than the product's."""

import asyncio
import hashlib
import importlib
import json
import logging
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import structlog

from chaos.actors.names import STEP_KEY
from chaos.points import Points, Strike, arm
from event_queue import redis_queue
from event_queue.known_run import KnownRun
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.redis_queue import RedisAddress, RedisQueue, open_redis
from event_queue.script_files import Script, ScriptName, load_scripts
from service_runtime.clock import SystemClock

_ANSWER = timedelta(seconds=1)
_FASTER: Mapping[tuple[str, str], float] = {
    ("event_processor.lease_guard", "MARGIN_SECONDS"): 0.3,
    ("event_processor.patient_writes", "RETRY_SECONDS"): 0.05,
    ("event_processor.lease_keeper", "_RETRY_SECONDS"): 0.05,
    ("event_broker.history_keeper", "LOOK_SECONDS"): 0.05,
    ("event_broker.history_keeper", "PATIENCE_SECONDS"): 1.5,
}
"""Pauses of the product that trials shorten; everything else is as it is in production."""


class SteppedClock(SystemClock):
    """The machine's clock, moved by hours."""

    def __init__(self, step: timedelta) -> None:
        self._step = step

    def now(self) -> datetime:
        """The present moment, UTC-aware, as this machine wrongly believes."""
        return super().now() + self._step


def tell(**facts: Any) -> None:
    """Say one line, which outlives this process whatever happens to it next."""
    os.write(1, json.dumps(facts).encode() + b"\n")


def wall_ms() -> float:
    """Milliseconds since 1970, by the machine's clock."""
    return SystemClock().now().timestamp() * 1000


def play(args: Mapping[str, Any], act: Callable[[Mapping[str, Any], Points], Coroutine[Any, Any, int]]) -> int:
    """Run an actor to its end."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for (module, name), seconds in _FASTER.items():
        owner = importlib.import_module(module)
        if not isinstance(getattr(owner, name), float):
            raise TypeError(f"{module}.{name} is no number of seconds any more")
        setattr(owner, name, seconds)
    if args.get("steps_clock"):
        setattr(redis_queue, "load_scripts", scripts_with_steps)  # noqa: B010 - what the module took from another
    points = arm([Strike(**strike) for strike in args.get("strikes", [])])
    points.on_strike = _tell_struck
    return asyncio.run(_heard(act(args, points)))


async def _heard(acting: Coroutine[Any, Any, int]) -> int:
    asyncio.get_running_loop().set_exception_handler(_hear)
    return await acting


def _hear(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Tell what nobody has heard, which is noise, but for one thing that asyncpg lets nobody hear.

    Where PostgreSQL ends a connection between two statements, and the second one is a COPY, asyncpg refuses that and
    forgets the future that it has made for its answer. Its caller is told, as of every other end of a connection.
    """
    if isinstance(context.get("exception"), asyncpg.ConnectionDoesNotExistError):
        tell(unheard=str(context["exception"]))
    else:
        loop.default_exception_handler(context)


def _tell_struck(point: str) -> None:
    tell(struck=point)


@asynccontextmanager
async def open_queue(args: Mapping[str, Any], *, known_run: KnownRun | None = None) -> AsyncGenerator[RedisQueue]:
    """The queue of the trial, over its wire."""
    address = RedisAddress("127.0.0.1", args["redis_port"])
    async with open_redis(address, answer=_ANSWER, known_run=known_run) as queue:
        yield queue


@asynccontextmanager
async def open_audit(args: Mapping[str, Any]) -> AsyncGenerator[PostgresAudit]:
    """The history of the trial, over its wire."""
    address = PostgresAddress(host="127.0.0.1", port=args["postgres_port"], database=args["database"], user="postgres")
    async with open_postgres(address) as audit:
        yield audit


def moment(ms: float) -> datetime:
    """Milliseconds since 1970 as an aware moment."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def scripts_with_steps() -> dict[ScriptName, Script]:
    """The scripts of the queue on a machine whose clock is stepped: the one reading of it is moved."""
    real = "local time = redis.call('TIME')"
    moved = f"{real}\n  time[1] = time[1] + tonumber(redis.call('GET', '{STEP_KEY}') or 0) / 1000"
    scripts = load_scripts()
    if not any(real in script.text for script in scripts.values()):
        raise LookupError("the scripts read the clock in another way now")
    return {name: _moved(script, real, moved) for name, script in scripts.items()}


def _moved(script: Script, real: str, moved: str) -> Script:
    text = script.text.replace(real, moved)
    return Script(name=script.name, text=text, sha=_sha(text), keys=script.keys)


def _sha(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
