"""What trials run on: opened once, shared by one trial after the other, and laid anew after one that broke down."""

import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from chaos.bounded import bounded
from chaos.explorer.schedule import Explorer, open_explorer
from chaos.lasting import Lasting
from chaos.outcome import Outcome
from chaos.processes import Nursery, open_nursery
from chaos.queue_level import trial as queue_trial
from chaos.queue_level.arena import ACTORS, Database
from chaos.system_level import trial as system_trial
from chaos.system_level.stage import MODULES, Stage, open_stage
from event_queue.testing.postgres_server import running_postgres

STAGE_LASTS: Final = 20
"""Trials on one running system, whose history is checked from its start each time."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What trials of the queue, and schedules, use one after the other."""

    database: Database
    actors: Nursery
    explorer: Explorer


class Ground:
    """Runs trials. Nobody knows in what state one that broke down leaves what it shared."""

    def __init__(self, schema: str, seed: int) -> None:
        chance = random.Random(f"stages {seed}")  # noqa: S311 - draws plans, keeps no secret
        self.shared = Lasting(lambda: _open_shared(schema))
        self._stage = Lasting(lambda: _open_stage(schema, chance))
        self._trials_on_stage = 0
        self._is_spoilt = False

    async def run(self, kind: str, seed: int) -> Outcome:
        """One trial, whatever comes of it."""
        outcome = await bounded(kind, seed, self._trial(kind, seed), faults=_faults_of(kind, seed))
        self._is_spoilt = outcome.is_void
        if outcome.findings:
            self._trials_on_stage = STAGE_LASTS
        return outcome

    async def close(self) -> None:
        """End everything."""
        await self._stage.close()
        await self.shared.close()

    async def _trial(self, kind: str, seed: int) -> Outcome:
        if self._is_spoilt:
            await self.close()
        if kind == "system":
            return await system_trial.run_trial(await self._stage_with_room(), seed, system_trial.faults_of(seed))
        await self._stage.close()
        shared = await self.shared.get()
        if kind == "schedule":
            return await shared.explorer.run(seed)
        return await queue_trial.run_trial(queue_trial.plan_of(seed), shared.actors, shared.database)

    async def _stage_with_room(self) -> Stage:
        if self._trials_on_stage >= STAGE_LASTS:
            await self._stage.close()
        if not self._stage.is_open:
            self._trials_on_stage = 0
        self._trials_on_stage += 1
        return await self._stage.get()


def _faults_of(kind: str, seed: int) -> Sequence[str]:
    match kind:
        case "queue":
            return queue_trial.plan_of(seed).faults
        case "system":
            return system_trial.faults_of(seed)
        case _:
            return ["F25"]


@asynccontextmanager
async def _open_shared(schema: str) -> AsyncGenerator[Shared]:
    async with AsyncExitStack() as stack:
        server = stack.enter_context(running_postgres())
        database = Database(server, await server.create_database(schema))
        actors = await stack.enter_async_context(open_nursery(ACTORS))
        yield Shared(database, actors, await stack.enter_async_context(open_explorer(database)))


@asynccontextmanager
async def _open_stage(schema: str, chance: random.Random) -> AsyncGenerator[Stage]:
    async with open_nursery(MODULES) as services, open_stage(services, chance, schema) as stage:
        yield stage
