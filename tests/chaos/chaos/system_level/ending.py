"""How a trial of the whole system ends: everything is healed, comes to rest, is observed and checked."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import asyncpg
from redis.exceptions import RedisError

from chaos.invariants import Finding, check
from chaos.observation import Books, Observation, Tables
from chaos.pulse import some_time
from chaos.reading import read_books, read_tables
from chaos.system_level.stage import PREFIX, Stage, awake
from chaos.system_level.world import ACCOUNTS, shares

_REST_SECONDS = 90.0
_LOOK_SECONDS = 0.1


async def come_to_rest(stage: Stage) -> bool:
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


async def observe(stage: Stage, *, is_quiet: bool, remarks: Sequence[tuple[str, str]]) -> Observation:
    """Everything that was sent to this system and seen of it since its start."""
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


def findings_of(stage: Stage, seen: Observation) -> list[Finding]:
    """What is broken, and what no service may ever log."""
    return [*check(seen), *_tracebacks(stage), *([] if seen.is_quiet else _last_words(stage))]


def _tracebacks(stage: Stage) -> list[Finding]:
    """What no service may ever log."""
    bad = ("service_crashed", "task_crashed", "task_failed")
    lines = [(service, line) for service in stage.system.services for name in bad for line in service.log.of(name)]
    return [Finding("I8", f"{line.get('event')}: {str(line)[-1500:]}") for _, line in lines]


def _last_words(stage: Stage) -> list[Finding]:
    """What the services said last, when they did not come to rest."""
    return [Finding("I8", service.log.last_words()) for service in stage.system.services]
