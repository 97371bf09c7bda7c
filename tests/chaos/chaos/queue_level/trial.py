"""One trial of the queue, from its seed to its findings."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from redis.exceptions import RedisError

from chaos.invariants import check
from chaos.outcome import Outcome
from chaos.processes import Nursery
from chaos.queue_level.arena import Arena, Database, open_arena
from chaos.queue_level.ending import come_to_rest, observe
from chaos.queue_level.faults import FAULTS
from chaos.queue_level.load import draw_load
from chaos.queue_level.operator import resync

_FAULT_SECONDS = 90.0
_FIRST_ORDER_SECONDS = 1.0
_ALONE = ("F11",)
_PAST = frozenset({"F3c", "F7", "F8", "F17", "F18"})
_UNLIKE_THE_PAST = frozenset({"F11b", "F12", "F19"})
"""Not together with a Redis that lost something: what they change is gone with it, or makes it impossible to notice."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a trial does; follows from its seed."""

    seed: int
    faults: Sequence[str]
    signals: int = 40
    pairs: int = 30
    rest_seconds: float = 25
    """How long everything may stand still before it has come to rest."""
    hold_relay: bool = False
    """The relay comes only when all signals have been sent."""


def plan_of(seed: int) -> Plan:
    """The plan of a seed: one to three faults, more or fewer accounts, so more or fewer duplicates."""
    chance = random.Random(f"plan {seed}")  # noqa: S311 - draws plans, keeps no secret
    faults = sorted(chance.sample(sorted(FAULTS), chance.choice((1, 1, 2, 2, 3))))
    for lonely in _ALONE:
        if lonely in faults:
            faults = [lonely]
    if _PAST.intersection(faults):
        faults = [fault for fault in faults if fault not in _UNLIKE_THE_PAST]
    return Plan(seed, faults, signals=chance.choice((25, 40, 60)), pairs=chance.choice((6, 30, 60)))


async def run_trial(plan: Plan, nursery: Nursery, database: Database) -> Outcome:
    """Run it, heal everything, and check."""
    began = monotonic()
    chance = random.Random(f"trial {plan.seed}")  # noqa: S311 - draws plans, keeps no secret
    async with open_arena(chance, nursery, database, draw_load(chance, plan.signals, pairs=plan.pairs)) as arena:
        await _people(arena, plan)
        await _act(arena, plan)
        is_quiet = await come_to_rest(arena, lambda: resync(arena), seconds=plan.rest_seconds)
        seen = await observe(arena, is_quiet=is_quiet)
    return Outcome(
        kind="queue",
        seed=plan.seed,
        faults=plan.faults,
        findings=check(seen),
        kills=arena.kills,
        events=len({entry.event_id for entry in seen.tables.entries}),
        orders=len(seen.orders),
        records=seen.books.counter,
        seconds=monotonic() - began,
    )


async def _people(arena: Arena, plan: Plan) -> None:
    """Fill all posts, after the faults have prepared the place."""
    arena.is_alone = len(plan.faults) == 1
    arena.add_worker()
    arena.add_relay()
    arena.add_observer()
    arena.add_producers()
    for number in plan.faults:
        await FAULTS[number].prepare(arena)
    for name, post in arena.posts.items():
        if name != "relay" or not plan.hold_relay:
            await post.start()


async def _act(arena: Arena, plan: Plan) -> None:
    """Do the faults once signals flow: earlier they would hit processes that have nothing to lose."""
    await arena.pulse.until(lambda: any("order" in line for line in arena.worker.told), seconds=_FIRST_ORDER_SECONDS)
    acts = [asyncio.ensure_future(_do(arena, number)) for number in plan.faults]
    try:
        async with asyncio.timeout(_FAULT_SECONDS):
            await asyncio.gather(*acts)
            if plan.hold_relay:
                await arena.all_sent()
                await arena.relay.start()
    finally:
        for act in acts:
            act.cancel()


async def _do(arena: Arena, number: str) -> None:
    """One fault. Another may have taken Redis away from it; what it leaves undone is mended at the end."""
    with suppress(RedisError, OSError):
        await FAULTS[number].act(arena)
