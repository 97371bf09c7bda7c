"""One trial of the whole system, from its seed to its findings."""

import asyncio
import random
from collections.abc import Sequence
from time import monotonic

from chaos.outcome import Outcome
from chaos.reading import newest, read_tables
from chaos.system_level.ending import come_to_rest, findings_of, observe
from chaos.system_level.faults import FAULTS
from chaos.system_level.load import send_load
from chaos.system_level.stage import Stage

_FAULT_SECONDS = 60.0
_CANCEL_SECONDS = 1.0


def faults_of(seed: int) -> list[str]:
    """One or two of the faults; follows from the seed."""
    chance = random.Random(f"system plan {seed}")  # noqa: S311 - draws plans, keeps no secret
    return sorted(chance.sample(sorted(FAULTS), chance.choice((1, 1, 2))))


async def run_trial(stage: Stage, seed: int, faults: Sequence[str]) -> Outcome:
    """Send signals, do the faults meanwhile, heal everything, wait until it rests, and check all since the start."""
    began, kills, known, orders = monotonic(), stage.kills, len(stage.signals), len(await stage.orders())
    records = newest((await read_tables(stage.dsn)).entries)
    chance = random.Random(f"system trial {seed}")  # noqa: S311 - draws plans, keeps no secret
    looking = asyncio.create_task(stage.keep_looking())
    remarks: list[tuple[str, str]] = []
    try:
        async with asyncio.timeout(_FAULT_SECONDS):
            acts = [FAULTS[fault](stage, random.Random(f"{seed} {fault}")) for fault in faults]  # noqa: S311 - as above
            results = await asyncio.gather(send_load(stage, chance), *acts, return_exceptions=True)
        for error in (each for each in results if isinstance(each, BaseException)):
            if not isinstance(error, AssertionError):
                raise error
            remarks.append(("I8", str(error)))
        is_quiet = await come_to_rest(stage)
    finally:
        while not looking.done():  # a client that has just got its answer may swallow a cancellation
            looking.cancel()
            await asyncio.wait({looking}, timeout=_CANCEL_SECONDS)
    seen = await observe(stage, is_quiet=is_quiet, remarks=remarks)
    return Outcome(
        kind="system",
        seed=seed,
        faults=faults,
        findings=findings_of(stage, seen),
        kills=stage.kills - kills,
        events=len(stage.signals) - known,
        orders=len(seen.orders) - orders,
        records=seen.books.counter - records,
        seconds=monotonic() - began,
    )
