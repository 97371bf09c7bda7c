"""Many trials one after the other: most of the queue alone, some of the whole system, and the known bugs."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos.figures import Figures
from chaos.ground import STAGE_LASTS, Ground
from chaos.mutants.bugs import BUGS
from chaos.mutants.campaign import hunt

SYSTEM_EVERY = 8
"""One trial in so many is of the whole system."""

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
        block, kinds = STAGE_LASTS, list[str]()
        for _ in range(0, systems, block):
            size = min(block, systems - kinds.count("system"))
            kinds += ["queue", "queue", "queue", "schedule", "queue", "queue", "schedule"] * size + ["system"] * size
        return [*kinds, *["queue"] * (self.trials - len(kinds))]


async def run_all(run: Run, schema: str, tell: Tell) -> Figures:
    """Run it; `tell` is called after each trial."""
    figures = Figures(run.seed)
    began = asyncio.get_running_loop().time()
    ground = Ground(schema, run.seed)
    try:
        if run.with_bugs:
            database = (await ground.shared.get()).database
            figures.verdicts += [await hunt(bug, database, seed=run.seed) for bug in BUGS]
        for number, kind in enumerate(run.kinds()):
            figures.outcomes.append(await ground.run(kind, run.seed + number))
            figures.seconds = asyncio.get_running_loop().time() - began
            tell(figures)
    finally:
        await ground.close()
    return figures


def schema_of(root: Path) -> str:
    """The text of init.sql."""
    return (root / "init.sql").read_text("utf-8")
