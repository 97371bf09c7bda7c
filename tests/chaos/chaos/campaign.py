"""Many trials one after the other: most of the queue alone, some of the whole system, and the twelve known bugs."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos.bounded import bounded
from chaos.explorer.schedule import open_explorer
from chaos.figures import Figures
from chaos.mutants.bugs import BUGS
from chaos.mutants.campaign import hunt
from chaos.outcome import Outcome
from chaos.processes import Nursery, open_nursery
from chaos.queue_level import trial as queue_trial
from chaos.queue_level.arena import ACTORS, Database
from chaos.system_level import trial as system_trial
from chaos.system_level.stage import MODULES, Stage, open_stage
from event_queue.testing.postgres_server import running_postgres

SYSTEM_EVERY = 8
"""One trial in so many is of the whole system."""
_STAGE_LASTS = 20
"""Trials on one running system, whose history is checked from its start each time."""
_TRIAL_SECONDS = 180.0

Tell = Callable[[Figures], None]


@dataclass(frozen=True, slots=True)
class Run:
    """What is wanted."""

    trials: int
    seed: int
    level: str = "both"
    """queue, schedule, system or both, which is all of them."""
    with_bugs: bool = True

    def kinds(self) -> Sequence[str]:
        """Of each trial in order, whole systems in blocks, so that they share a stage."""
        if self.level != "both":
            return [self.level] * self.trials
        systems = self.trials // SYSTEM_EVERY
        block, kinds = _STAGE_LASTS, list[str]()
        for _ in range(0, systems, block):
            size = min(block, systems - kinds.count("system"))
            kinds += ["queue", "queue", "queue", "schedule", "queue", "queue", "schedule"] * size + ["system"] * size
        return [*kinds, *["queue"] * (self.trials - len(kinds))]


async def run_all(run: Run, schema: str, tell: Tell) -> Figures:
    """Run it; `tell` is called after each trial."""
    figures = Figures(run.seed)
    began = asyncio.get_running_loop().time()
    async with _world(schema) as (database, actors, services), open_explorer(database) as explorer:
        if run.with_bugs:
            figures.verdicts += [await hunt(bug, database, seed=run.seed) for bug in BUGS]
        stages = _Stages(services, schema, run.seed)
        try:
            for number, kind in enumerate(run.kinds()):
                seed = run.seed + number
                if kind != "system":
                    await stages.close()
                trial = explorer.run(seed) if kind == "schedule" else _trial(kind, seed, actors, database, stages)
                outcome = await bounded(kind, seed, trial, seconds=_TRIAL_SECONDS)
                figures.outcomes.append(outcome)
                figures.seconds = asyncio.get_running_loop().time() - began
                if outcome.findings:
                    await stages.close()
                tell(figures)
        finally:
            await stages.close()
    return figures


@asynccontextmanager
async def _world(schema: str) -> AsyncGenerator[tuple[Database, Nursery, Nursery]]:
    async with AsyncExitStack() as stack:
        server = stack.enter_context(running_postgres())
        database = Database(server, await server.create_database(schema))
        actors = await stack.enter_async_context(open_nursery(ACTORS))
        services = await stack.enter_async_context(open_nursery(MODULES))
        yield database, actors, services


class _Stages:
    """The running system of the present block of trials."""

    def __init__(self, nursery: Nursery, schema: str, seed: int) -> None:
        self._nursery = nursery
        self._schema = schema
        self._chance = random.Random(f"stages {seed}")  # noqa: S311 - draws plans, keeps no secret
        self._stack = AsyncExitStack()
        self._stage: Stage | None = None
        self._trials = 0

    async def stage(self) -> Stage:
        """One that has room for another trial."""
        if self._stage is None or self._trials >= _STAGE_LASTS:
            await self.close()
            opened = open_stage(self._nursery, self._chance, self._schema)
            self._stage = await self._stack.enter_async_context(opened)
        self._trials += 1
        return self._stage

    async def close(self) -> None:
        """End the system."""
        self._stage, self._trials = None, 0
        await self._stack.aclose()


async def _trial(kind: str, seed: int, actors: Nursery, database: Database, stages: _Stages) -> Outcome:
    if kind == "queue":
        return await queue_trial.run_trial(queue_trial.plan_of(seed), actors, database)
    return await system_trial.run_trial(await stages.stage(), seed, system_trial.faults_of(seed))


def schema_of(root: Path) -> str:
    """The text of init.sql."""
    return (root / "init.sql").read_text("utf-8")
