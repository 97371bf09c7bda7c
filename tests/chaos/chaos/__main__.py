"""`python -m chaos --trials N --seed S`: run trials, print the figures in one line, leave a report."""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

import stamina.instrumentation

from chaos.campaign import Run, run_all, schema_of
from chaos.figures import Figures
from chaos.soak.trial import run_soak

ROOT = Path(__file__).parents[3]
_TOLD_EVERY = 25


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when no invariant was broken, no trial broke down, and every known bug was caught; 1 otherwise."""
    parser = argparse.ArgumentParser("chaos", description="Break the rebalancer on purpose, and check what must hold.")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None, help="of the first trial; drawn by chance if absent")
    parser.add_argument("--level", choices=("both", "queue", "schedule", "system"), default="both")
    parser.add_argument("--without-bugs", action="store_true", help="do not try the known bugs")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="run the whole system for so long instead")
    parser.add_argument("--report", type=Path, default=ROOT / ".data/chaos", help="folder of the report")
    given = parser.parse_args(arguments)
    stamina.instrumentation.set_on_retry_hooks(())
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    if given.soak is not None:
        figures = asyncio.run(run_soak(given.soak, seed, schema_of(ROOT)))
    else:
        run = Run(given.trials, seed, given.level, with_bugs=not given.without_bugs)
        figures = asyncio.run(run_all(run, schema_of(ROOT), lambda figures: _tell(figures, given.report)))
    place = figures.write(given.report)
    sys.stdout.write(f"{figures.line()}\n{place}\n")
    return 0 if figures.is_good else 1


def _tell(figures: Figures, folder: Path) -> None:
    latest = figures.outcomes[-1]
    if latest.findings:
        first, word = latest.findings[0], "ERROR" if latest.is_void else "VIOLATION"
        sys.stderr.write(f"{word} {latest.kind} seed {latest.seed}: {first.invariant} {first.words[:300]}\n")
        figures.write(folder)
    if len(figures.outcomes) % _TOLD_EVERY == 0:
        sys.stderr.write(f"{figures.line()}\n")
        figures.write(folder)


if __name__ == "__main__":
    sys.exit(main())
