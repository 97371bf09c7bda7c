"""Redis comes back with less than it had acknowledged: a torn or shortened log, an old copy of it, or none at all.

One such loss is put right before the next begins, and what comes back after one is no copy from before it: power does
not bring back what was wiped. Whoever restores such a copy by hand has two pasts (tests/integration/queue).
"""

import signal
from collections.abc import Callable
from typing import Final

from chaos.points import Strike
from chaos.pulse import some_time
from chaos.queue_level.arena import Arena
from chaos.queue_level.faults.fault import PATIENCE_SECONDS, has_told
from chaos.queue_level.operator import VERDICT_SECONDS, redis_ms, see_it_through, until
from chaos.reading import stored_counter

_POWER_LOSS_SECONDS: Final = 2.0
"""What `appendfsync everysec` may lose at most."""
_LONG_LEASE_SECONDS: Final = 4.0
_SNAPSHOT: Final = b"REDIS"
"""How a log begins that was written anew; commands follow behind it."""
_FIRST_COMMAND: Final = b"*2\r\n$6\r\nSELECT"


async def cut_log(arena: Arena) -> None:
    """F7: the append-only file ends at an arbitrary byte; what history knows of it is put back."""
    await some_time(arena.chance.uniform(0.05, 0.4))
    part = arena.chance.uniform(0.2, 1)
    async with arena.past_turn:
        await _go_back(arena, lambda whole: _cut(whole, part))


async def lose_power(arena: Arena) -> None:
    """F8: the append-only file ends at its last fsync. With `always` that is everything that was acknowledged.

    A write that was under way may have left a part of itself.
    """
    if arena.chance.random() < 0.5:
        await some_time(arena.chance.uniform(0.05, 0.3))
        torn = arena.chance.randint(1, 60)
        await arena.restart_redis_with(lambda whole: whole + _last_transaction(whole)[:torn])
        return
    async with arena.past_turn:
        await arena.raw.config_set("appendfsync", "everysec")
        await some_time(arena.chance.uniform(0.05, 0.3))
        synced = await arena.log()
        await some_time(arena.chance.uniform(0, _POWER_LOSS_SECONDS / 4))
        await _go_back(arena, lambda _: synced)


async def restore_old_log(arena: Arena) -> None:
    """F17: an older copy of the append-only file is restored while PostgreSQL is ahead of it."""
    await some_time(arena.chance.uniform(0, 0.2))
    async with arena.past_turn:
        copy, counter = await arena.log(), int(await arena.raw.get("outbox_counter") or 0)
        await until(lambda: _is_ahead(arena, counter), seconds=VERDICT_SECONDS)
        await some_time(arena.chance.uniform(0, 0.3))
        await _go_back(arena, lambda _: copy)


async def wipe(arena: Arena) -> None:
    """F18: Redis comes back empty, told of wholly or in part, and everything is sent again that ever was."""
    await some_time(arena.chance.uniform(0.05, 0.3))
    untold_seconds = arena.chance.choice((0.0, arena.chance.uniform(0.02, 0.2)))
    async with arena.past_turn:
        await _go_back(arena, lambda _: b"", untold_seconds=untold_seconds)
    for producer in arena.producers:
        producer.repeats = len(arena.load[producer.name])
        arena.kill(producer)


async def prepare_long_leases(arena: Arena) -> None:
    """So that a worker counts on its own for longer than it takes to put Redis right."""
    arena.set_for_all(lease_seconds=_LONG_LEASE_SECONDS)


async def forget_lease(arena: Arena) -> None:
    """F3: the worker is stopped right before an order, Redis is emptied, and it wakes when another has traded."""
    standby = arena.add_worker("heir", hands=1, lease_seconds=_LONG_LEASE_SECONDS)
    await arena.worker.strike(Strike("order:before", arena.chance.randint(1, 6), "stop"))
    if await arena.pulse.until(lambda: has_told(arena.worker, "struck"), seconds=PATIENCE_SECONDS):
        await standby.start()
        async with arena.past_turn:
            await _go_back(arena, lambda _: b"")
        await arena.pulse.until(lambda: has_told(standby, "order"), seconds=2 * _LONG_LEASE_SECONDS + PATIENCE_SECONDS)
    arena.worker.signal(signal.SIGCONT)


def _cut(log: bytes, part: float) -> bytes:
    """The first part of it, behind what Redis wrote anew at once: it syncs that as a whole before it takes the file."""
    begins = log.find(_FIRST_COMMAND) if log.startswith(_SNAPSHOT) else 0
    written_anew = len(log) if begins < 0 else begins
    return log[: written_anew + int((len(log) - written_anew) * part)]


def _last_transaction(log: bytes) -> bytes:
    """What a write looks like in the log."""
    return log[log.rfind(b"*1\r\n$5\r\nMULTI") :]


async def _is_ahead(arena: Arena, counter: int) -> bool:
    async with arena.restarts.none():
        return await stored_counter(arena.database.dsn) > counter


async def _go_back(arena: Arena, rewrite: Callable[[bytes], bytes], *, untold_seconds: float = 0) -> None:
    """Restart Redis with another log, see that it is noticed, and let an operator put it right where one is needed.

    For `untold_seconds` before that nobody tells history what happens.
    """
    if untold_seconds:
        arena.relay.keep_away()
        arena.kill(arena.relay)
        await some_time(untold_seconds)
    wires = (arena.redis_wire, arena.worker_wire)
    for wire in wires:
        wire.damage.is_dead = True
    await arena.restart_redis_with(rewrite)
    async with arena.restarts.none():
        went_back = await _went_back(arena)
        arena.losses.append(await redis_ms(arena))
    for wire in wires:
        wire.damage.is_dead = False
        wire.cut()
    arena.relay.come_back()
    await see_it_through(arena, went_back=went_back)
    await arena.forget_glances()


async def _went_back(arena: Arena) -> bool:
    """Whether it must be halted for that; a log that ends amid a rebuild is rebuilt like one that is empty."""
    counter, stored = int(await arena.raw.get("outbox_counter") or 0), await stored_counter(arena.database.dsn)
    is_rebuilt = str(await arena.raw.get("queue_halt") or "").startswith("closed")
    return 0 < counter < stored and not is_rebuilt
