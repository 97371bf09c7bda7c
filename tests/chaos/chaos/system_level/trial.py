"""One trial of the whole system, from its seed to its findings."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic

import asyncpg
from redis.exceptions import RedisError

from chaos.invariants import Finding, check
from chaos.observation import Books, Observation, Tables
from chaos.outcome import Outcome
from chaos.pulse import some_time
from chaos.reading import newest, read_books, read_tables
from chaos.system_level.faults import FAULTS
from chaos.system_level.load import send_load
from chaos.system_level.stage import PREFIX, Stage, awake
from chaos.system_level.world import ACCOUNTS, shares

_FAULT_SECONDS = 60.0
_REST_SECONDS = 60.0
_LOOK_SECONDS = 0.1


def faults_of(seed: int) -> list[str]:
    """One or two of the faults; follows from the seed."""
    chance = random.Random(f"system plan {seed}")  # noqa: S311 - draws plans, keeps no secret
    return sorted(chance.sample(sorted(FAULTS), chance.choice((1, 1, 2))))


async def run_trial(stage: Stage, seed: int, faults: Sequence[str]) -> Outcome:
    """Send signals, do the faults meanwhile, heal everything, wait until it rests, and check all since the start."""
    began, kills, known, orders = monotonic(), stage.kills, len(stage.signals), len(await stage.orders())
    records = newest((await read_tables(stage.dsn)).entries)
    chance = random.Random(f"system trial {seed}")  # noqa: S311 - draws plans, keeps no secret
    looking = asyncio.create_task(_keep_looking(stage))
    remarks: list[tuple[str, str]] = []
    try:
        async with asyncio.timeout(_FAULT_SECONDS):
            acts = [FAULTS[fault](stage, random.Random(f"{seed} {fault}")) for fault in faults]  # noqa: S311 - as above
            results = await asyncio.gather(send_load(stage, chance), *acts, return_exceptions=True)
        for error in (each for each in results if isinstance(each, BaseException)):
            if not isinstance(error, AssertionError):
                raise error
            remarks.append(("I8", str(error)))
        is_quiet = await _come_to_rest(stage)
    finally:
        looking.cancel()
        await asyncio.wait({looking})
    seen = await _observe(stage, is_quiet=is_quiet, remarks=remarks)
    return Outcome(
        kind="system",
        seed=seed,
        faults=faults,
        findings=[*check(seen), *_tracebacks(stage), *([] if is_quiet else _last_words(stage))],
        kills=stage.kills - kills,
        events=len(stage.signals) - known,
        orders=len(seen.orders) - orders,
        records=seen.books.counter - records,
        seconds=monotonic() - began,
    )


async def _keep_looking(stage: Stage) -> None:
    while True:
        await stage.look()
        await some_time(_LOOK_SECONDS)


async def _come_to_rest(stage: Stage) -> bool:
    """Heal, bring everybody back, and wait until every signal has been taken in and every event has ended."""
    stage.redis_wire.heal()
    stage.postgres_wire.heal()
    for service in stage.system.services:
        awake(service)
    deadline = asyncio.get_running_loop().time() + _REST_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        await stage.revive()
        with suppress(RedisError, OSError, asyncpg.PostgresError):
            if await _is_at_rest(stage):
                return True
        await some_time(_LOOK_SECONDS)
    return False


async def _is_at_rest(stage: Stage) -> bool:
    books = await read_books(stage.raw, PREFIX)
    if books.events or books.outbox or any(stage.folder.glob("*.json")):
        return False
    tables = await read_tables(stage.dsn)
    taken = {entry.body["data"].get("n") for entry in tables.entries if entry.body is not None}
    return not [number for number in stage.unanswered if number not in taken]


async def _observe(stage: Stage, *, is_quiet: bool, remarks: Sequence[tuple[str, str]]) -> Observation:
    books: Books = await read_books(stage.raw, PREFIX)
    tables: Tables = await read_tables(stage.dsn)
    held = {account: await stage.held(account) for account in ACCOUNTS} if is_quiet else {}
    wrong = {
        account: f"holds {found}, its targets are {shares(stage.model_of(account))}"
        for account, found in held.items()
        if found != shares(stage.model_of(account))
    }
    return Observation(
        books=books,
        tables=tables,
        signals=list(stage.signals.values()),
        orders=await stage.orders(),
        glances=stage.glances,
        is_quiet=is_quiet,
        wrong_positions=wrong,
        remarks=remarks,
    )


def _tracebacks(stage: Stage) -> list[Finding]:
    """What no service may ever log."""
    bad = ("service_crashed", "task_crashed", "task_failed")
    lines = [(service, line) for service in stage.system.services for name in bad for line in service.log.of(name)]
    return [Finding("I8", f"{line.get('event')}: {str(line)[:600]}") for _, line in lines]


def _last_words(stage: Stage) -> list[Finding]:
    """What the services said last, when they did not come to rest."""
    return [Finding("I8", service.log.last_words()) for service in stage.system.services]
