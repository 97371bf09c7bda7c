"""Whoever looks after a Redis that has lost something: sees that it is noticed, and resyncs it where it is halted."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from redis.exceptions import RedisError

from chaos.points import Strike
from chaos.pulse import some_time
from chaos.queue_level.arena import Arena

VERDICT_SECONDS: Final = 20.0
"""How long a verdict, or what follows from it, may take at most on a busy machine."""
_LOOK_SECONDS: Final = 0.02
_MENDING_STEPS: Final = ("halt", "renumber", "restore", "reopen")


async def see_it_through(arena: Arena, *, went_back: bool) -> None:
    """Wait until the run of Redis is compared with history, or halted and then mended."""
    if not await until(lambda: _is_judged(arena), seconds=VERDICT_SECONDS):
        arena.remarks.append(("I8", "nobody compared a Redis that had lost something with its history"))
    elif await is_halted(arena):
        await resync(arena)
    elif went_back:
        arena.remarks.append(("I8", "a Redis that had gone back in time was not halted"))


async def resync(arena: Arena) -> None:
    """Let an operator put Redis right, who may die on the way and is followed by another."""
    since = await redis_ms(arena)
    await some_time(arena.chance.uniform(0, 0.3))
    arena.halts.append((since, await redis_ms(arena)))
    operator = arena.add_operator()
    strikes = [Strike(f"{arena.chance.choice(_MENDING_STEPS)}:{arena.chance.choice(('before', 'after'))}", 1, "kill")]
    await operator.start(*strikes[: arena.chance.randint(0, 1)])
    is_mended = await arena.pulse.until(
        lambda: any("mended" in line for line in operator.told), seconds=VERDICT_SECONDS
    )
    await arena.forget_glances()
    if not is_mended:
        arena.remarks.append(("I8", f"the operator could not put Redis right: {operator.told[-3:]}"))


async def _is_judged(arena: Arena) -> bool:
    run, marked = (await arena.raw.info("server"))["run_id"], await arena.raw.get("history_checked")
    return run == marked or await is_halted(arena)


async def is_halted(arena: Arena) -> bool:
    """Whether somebody has found that Redis went back in time."""
    return str(await arena.raw.get("queue_halt") or "").startswith("halted")


async def until(is_so: Callable[[], Awaitable[bool]], *, seconds: float) -> bool:
    """Look again and again; another fault may have taken Redis or PostgreSQL away meanwhile."""
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        try:
            if await is_so():
                return True
        except (RedisError, OSError):
            pass
        await some_time(_LOOK_SECONDS)
    return False


async def redis_ms(arena: Arena) -> float:
    """The time by Redis's own clock, in milliseconds since 1970."""
    seconds, micros = await arena.raw.time()
    return seconds * 1000 + micros / 1000
