"""One soak: the whole system at work for a long time, under F1, F5, F6 and F12, and then at rest."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Final

from chaos.bounded import bounded
from chaos.figures import Figures
from chaos.outcome import Outcome
from chaos.processes import open_nursery
from chaos.pulse import some_time
from chaos.soak.gauge import Gauge
from chaos.soak.growth import too_steep
from chaos.soak.pace import Pace
from chaos.soak.receipts import forget_sooner
from chaos.system_level import faults
from chaos.system_level.ending import come_to_rest, findings_of, observe
from chaos.system_level.load import send_load, send_load_to
from chaos.system_level.stage import MODULES, Stage, open_stage
from chaos.system_level.world import ACCOUNTS

_FAULTS: Final = ("F1", "F4+F5", "F6", "F12+F13")
_LOAD_PAUSE: Final = (6.0, 10.0)
_TROUBLE_PAUSE: Final = (15.0, 30.0)
_GATEWAY_PAUSE: Final = (60.0, 90.0)
"""A gateway restarts each night and tells no more of the executions of earlier days; here the days are short."""
_LIFE_PARTS: Final = (0.8, 1.2)
_LOOK_SECONDS: Final = 1.0
_MORE_SECONDS: Final = 600.0
"""How long a soak may take beyond its length, to start, come to rest and be checked."""


async def run_soak(minutes: float, seed: int, schema: str) -> Figures:
    """Run one, and judge how everything grew if it was long enough for that."""
    began, pace, gauge = monotonic(), Pace(minutes), Gauge()
    figures = Figures(seed, again=f"make chaos SOAK={minutes:g} SEED={{seed}}")
    trial = _trial(pace, seed, schema, gauge)
    figures.outcomes.append(await bounded("soak", seed, trial, seconds=pace.seconds + _MORE_SECONDS))
    figures.growths += gauge.growths(warm_up_seconds=pace.warm_up_seconds)
    figures.seconds = monotonic() - began
    return figures


async def _trial(pace: Pace, seed: int, schema: str, gauge: Gauge) -> Outcome:
    began, chance = monotonic(), random.Random(f"soak {seed}")  # noqa: S311 - draws faults, keeps no secret
    async with open_nursery(MODULES) as services, open_stage(services, chance, schema) as stage:
        async with (
            _meanwhile(
                gauge.watch(stage),
                forget_sooner(stage, receipt_seconds=pace.receipt_seconds),
                stage.keep_looking(every=_LOOK_SECONDS),
            ),
            _meanwhile(_keep_alive(stage)),
        ):
            await _work_under_faults(stage, pace, chance)
        seen = await observe(stage, is_quiet=await _arrive(stage, chance), remarks=())
    growths = gauge.growths(warm_up_seconds=pace.warm_up_seconds)
    return Outcome(
        kind="soak",
        seed=seed,
        faults=_FAULTS,
        findings=[*findings_of(stage, seen), *(too_steep(growths) if pace.is_judged else ())],
        kills=stage.kills,
        events=len(stage.signals),
        orders=len(seen.orders),
        records=seen.books.counter,
        seconds=monotonic() - began,
    )


async def _work_under_faults(stage: Stage, pace: Pace, chance: random.Random) -> None:
    """Signals without an end, and faults among them; broker and management-service are left to live."""
    begin = asyncio.get_running_loop().time()
    end, end_of_kills = begin + pace.seconds, begin + pace.killing_seconds
    load, worker, redis, wires, gateway = (random.Random(chance.random()) for _ in range(5))  # noqa: S311 - as above
    shortest, longest = (part * pace.life_seconds for part in _LIFE_PARTS)

    async def trouble() -> None:
        await wires.choice((faults.damage_wires, faults.damage_wires, faults.remove_postgres))(stage, wires)

    async with asyncio.TaskGroup() as group:
        for deed, pause, until in (
            (lambda: send_load(stage, load), lambda: load.uniform(*_LOAD_PAUSE), end),
            (trouble, lambda: wires.uniform(*_TROUBLE_PAUSE), end),
            (lambda: faults.kill_worker(stage, worker), lambda: worker.uniform(shortest, longest), end_of_kills),
            (lambda: faults.kill_redis(stage, redis), lambda: redis.uniform(shortest, longest), end_of_kills),
            (lambda: stage.steer_gateway("next_day"), lambda: gateway.uniform(*_GATEWAY_PAUSE), end),
        ):
            group.create_task(_again_and_again(deed, pause, until))


async def _again_and_again(deed: Callable[[], Awaitable[None]], pause: Callable[[], float], end: float) -> None:
    """Pause and do it, as often as the time allows; what is begun is finished."""
    loop = asyncio.get_running_loop()
    while (until := loop.time() + pause()) < end:
        await some_time(until - loop.time())
        await deed()
    await some_time(max(0.0, end - loop.time()))


async def _arrive(stage: Stage, chance: random.Random) -> bool:
    """Come to rest; then tell every account once more, since one that was busy may have been refused a newer signal."""
    if not await come_to_rest(stage):
        return False
    await send_load_to(stage, chance, ACCOUNTS)
    return await come_to_rest(stage)


async def _keep_alive(stage: Stage) -> None:
    """Start again whatever ends, as a process manager does."""
    while True:
        await stage.revive()
        await some_time(_LOOK_SECONDS)


@asynccontextmanager
async def _meanwhile(*endless: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Let these go on until the context ends.

    Raises:
        Exception: what one of them has ended of.
    """
    tasks = [asyncio.create_task(each) for each in endless]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            await task
