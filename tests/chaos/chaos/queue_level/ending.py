"""How a trial of the queue ends: everything is healed, comes to rest, and is observed."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError

from chaos.actors.names import HOUR_MS, STEP_KEY
from chaos.observation import Books, Glance, Observation, Order, Signal
from chaos.pulse import some_time
from chaos.queue_level.arena import STRANGERS, Arena
from chaos.queue_level.post import ProducerPost
from chaos.reading import read_books, read_tables

_LOOK_SECONDS = 0.02
_LAST_WORDS = 30
_MOST_LOOKS = 100
_MOST_PATIENCE = 3
"""Times the patience with what stands still: for what goes on and on."""


async def come_to_rest(arena: Arena, resync: Callable[[], Awaitable[None]], *, seconds: float) -> bool:
    """Heal everything, and wait until nothing is left to do; False when nothing is done any more for `seconds`.

    `resync` puts right a Redis that is found to be halted still.
    """
    for wire in (arena.redis_wire, arena.worker_wire, arena.postgres_wire):
        wire.heal()
    await _mend_redis(arena)
    for post in arena.posts.values():
        post.come_back()
    _awake(arena)
    return await _rests(arena, resync, seconds)


async def observe(arena: Arena, *, is_quiet: bool) -> Observation:
    """End all processes, and look."""
    await asyncio.gather(*(post.retire() for post in arena.posts.values()))
    posts = arena.posts.values()
    noise = [("I8", f"{post.name} said: {' / '.join(post.noise[-_LAST_WORDS:])}") for post in posts if post.noise]
    orders = [line for post in posts for line in post.told if "order" in line]
    return Observation(
        books=await read_books(arena.raw),
        tables=await read_tables(arena.database.dsn),
        signals=[signal for post in arena.producers for signal in _signals(post, arena.load[post.name])],
        orders=[Order(*(line[each] for each in ("order", "account", "at_ms", "fence", "since_ms"))) for line in orders],
        glances=[Glance(**line) for line in arena.glances],
        is_quiet=is_quiet,
        kept=frozenset(arena.kept),
        losses=arena.losses,
        halts=arena.halts,
        clock_is_steady=arena.clock_is_steady,
        has_stray_keys=arena.has_stray_keys,
        remarks=[*arena.remarks, *noise],
    )


async def _mend_redis(arena: Arena) -> None:
    """Undo what a fault could not undo because another had taken Redis away."""
    for _ in range(_MOST_LOOKS):
        try:
            await arena.raw.config_set("maxmemory", "0")
            await arena.raw.config_set("save", "")
            await arena.raw.execute_command("REPLICAOF", "NO", "ONE")
            if not arena.clock_is_steady:
                await arena.raw.set(STEP_KEY, HOUR_MS)
            for key in STRANGERS:
                if await arena.raw.type(key) == "string":
                    await arena.raw.delete(key)
        except (RedisError, OSError):
            await some_time(_LOOK_SECONDS)
        else:
            return


async def _rests(arena: Arena, resync: Callable[[], Awaitable[None]], seconds: float) -> bool:
    """Whether all comes to its end; that it does not is told by what stands still so long, not by a slow machine."""
    loop = asyncio.get_running_loop()
    if not await arena.all_sent(seconds=_MOST_PATIENCE * seconds):
        return False
    latest, end = None, loop.time() + _MOST_PATIENCE * seconds
    deadline = end
    while loop.time() < deadline:
        _awake(arena)
        books = await _books(arena)
        if books is not None and _is_quiet(arena, books):
            return True
        if books != latest:
            latest, deadline = books, min(loop.time() + seconds, end)
        with suppress(RedisError, OSError):
            if arena.losses and await arena.raw.get("queue_halt"):
                await resync()
        await some_time(_LOOK_SECONDS)
    return False


def _awake(arena: Arena) -> None:
    """Not once only: a worker may come later to the place at which it was to stop."""
    for post in arena.posts.values():
        post.signal(signal.SIGCONT)


async def _books(arena: Arena) -> Books | None:
    """None while Redis is away."""
    try:
        return await read_books(arena.raw)
    except (RedisError, OSError):
        return None


def _is_quiet(arena: Arena, books: Books) -> bool:
    return not (books.halt or books.events.keys() - arena.kept or (books.outbox and arena.has_relay))


def _signals(post: ProducerPost, load: list[dict[str, Any]]) -> list[Signal]:
    answers = post.answers
    return [Signal(each["n"], each["account"], each["command"], answers.get(each["n"], "")) for each in load]
