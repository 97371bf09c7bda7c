"""Redis dies, refuses, is full, holds what the queue never wrote, or has a wrong clock."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from chaos.actors.names import HOUR_MS, STEP_KEY
from chaos.pulse import some_time
from chaos.queue_level.arena import STRANGERS, Arena
from chaos.queue_level.faults.fault import PATIENCE_SECONDS


async def kill_redis(arena: Arena) -> None:
    """F6: kill -9 of Redis under load, as it is shipped.

    With `everysec` it puts writes off while an fsync is under way, and acknowledges them: those may be lost (F8).
    """
    for _ in range(arena.chance.randint(1, 2)):
        await some_time(arena.chance.uniform(0, 0.1))
        await arena.restart_redis(away_seconds=arena.chance.uniform(0, 0.1))


async def upset_redis(arena: Arena) -> None:
    """F9: forgotten scripts, a server that loads, one that is read-only, one that cannot save."""
    match arena.chance.choice(("flush", "loading", "readonly", "misconf")):
        case "flush":
            for _ in range(4):
                await arena.raw.script_flush()
                await some_time(0.02)
        case "loading":
            arena.worker_wire.damage.refusals = arena.chance.randint(1, 12)
            await some_time(0.1)
        case "readonly":
            await arena.raw.execute_command("REPLICAOF", "127.0.0.1", "1")
            await some_time(arena.chance.uniform(0.02, 0.2))
            await arena.raw.execute_command("REPLICAOF", "NO", "ONE")
        case _:
            await _cannot_save(arena)


async def _cannot_save(arena: Arena) -> None:
    gone = arena.redis.directory / "gone"
    await asyncio.to_thread(gone.mkdir)
    await arena.raw.config_set("save", "3600 1")
    await arena.raw.config_set("dir", str(gone))
    await asyncio.to_thread(gone.rmdir)
    await arena.raw.bgsave()
    await some_time(arena.chance.uniform(0.05, 0.2))
    await arena.raw.config_set("dir", str(arena.redis.directory))
    await arena.raw.config_set("save", "")


async def fill_memory(arena: Arena) -> None:
    """F10: Redis at its memory limit takes nothing in; what waits is worked on to its end all the same."""
    await some_time(arena.chance.uniform(0, 0.05))
    await arena.raw.config_set("maxmemory", "1")
    before = len(arena.worker.told)
    waiting = await arena.raw.llen("rebalance_queue")
    is_worked_on = await arena.pulse.until(
        lambda: any("order" in line for line in arena.worker.told[before:]), seconds=3 if waiting else 0.1
    )
    if waiting and arena.is_alone and not is_worked_on:
        arena.remarks.append(("I8", f"{waiting} events waited, and a full Redis kept the worker from them"))
    await arena.raw.config_set("maxmemory", "0")


async def prepare_slow_work(arena: Arena) -> None:
    """So that a line forms."""
    arena.worker.set(hands=1, work_seconds=0.01)


async def fill_memory_before_a_line(arena: Arena) -> None:
    """F10: Redis reaches its memory limit while many events wait; each of them is worked on all the same."""
    await arena.all_sent()
    await arena.raw.config_set("maxmemory", "1")
    waiting = set(await arena.raw.lrange("rebalance_queue", 0, -1))
    is_worked_on = await arena.pulse.until(lambda: waiting <= _events_of(arena.worker.told), seconds=PATIENCE_SECONDS)
    if arena.is_alone and not is_worked_on:
        left = len(waiting - _events_of(arena.worker.told))
        arena.remarks.append(
            ("I8", f"{left} of {len(waiting)} events waited, and a full Redis kept the worker from them")
        )
    await arena.raw.config_set("maxmemory", "0")


def _events_of(told: Sequence[Mapping[str, Any]]) -> set[str]:
    """Ids of the events that orders were sent for."""
    return {line["order"].partition(":")[0] for line in told if "order" in line}


async def prepare_wrong_type(arena: Arena) -> None:
    """F11: a key of the queue has another type when the services start."""
    key = arena.chance.choice(STRANGERS)
    await arena.raw.set(key, "a stranger's")
    arena.worker.set(wrong_key=key)


async def mend_wrong_type(arena: Arena) -> None:
    """The operator removes the stranger's key; until then nothing may have been claimed."""
    await some_time(arena.chance.uniform(0.05, 0.2))
    for key in STRANGERS:
        if await arena.raw.type(key) == "string":
            await arena.raw.delete(key)
    if any("order" in line for line in arena.worker.told):
        arena.remarks.append(("I5", "the worker traded although a key of the queue had another type"))


async def leave_dangling_key(arena: Arena) -> None:
    """F11: an active key that names no living event, as an older crash or a stranger might leave it."""
    for source in arena.load.values():
        for each in source[-3:]:
            await arena.raw.hsetnx("active_events", f"{each['account']}:{each['command']}", "no-such-event")
    arena.has_stray_keys = True


async def prepare_clock(arena: Arena) -> None:
    """F19: scripts and workers run by clocks that can be stepped."""
    arena.set_for_all(steps_clock=True)
    arena.clock_is_steady = False


async def step_clock(arena: Arena) -> None:
    """F19: the clocks of Redis and of the worker jump an hour, either way, and back; that ends the lease early."""
    step = arena.chance.choice((-1, 1))
    await some_time(arena.chance.uniform(0, 0.1))
    await arena.raw.set(STEP_KEY, step * HOUR_MS)
    if step > 0:
        await arena.raw.delete("processor_lease")
    arena.worker.set(clock_step_hours=step)
    arena.kill(arena.worker)
    await some_time(arena.chance.uniform(0.05, 0.3))
    arena.worker.set(clock_step_hours=0)
    arena.kill(arena.worker)
    await arena.raw.set(STEP_KEY, HOUR_MS)
