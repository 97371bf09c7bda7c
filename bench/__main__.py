"""`python -m bench`: measures, prints the tables, and writes docs/benchmarks.md with its picture."""

import asyncio
import os
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from bench.contenders.__main__ import PEERS
from bench.contest import Contest
from bench.counting import CommandCount, count_on_a_fresh_queue
from bench.depth import measure_depths
from bench.latency import measure_latency, measure_restarts
from bench.machine import Machine, describe_machine
from bench.metrics import Figures
from bench.page import render
from bench.peer_environment import PeersNotInstalled, peer_python
from bench.plot import draw
from bench.rebalance import RebalanceSpeed, measure_rebalance
from bench.stage import Stage, open_stage
from event_queue.errors import QueueError

_DOCS: Final = Path(__file__).parents[1] / "docs"
_PARTS: Final = ("rates", "always", "latency", "restart", "depth", "commands", "rebalance")
_FAILURES: Final = (
    RuntimeError,
    OSError,
    LookupError,
    TypeError,
    ValueError,
    QueueError,
    httpx.HTTPError,
    subprocess.SubprocessError,
)
"""What spoils one part, and not the others."""


@dataclass(slots=True)
class _Run:
    """What one run has measured so far."""

    options: Namespace
    peer_python: Path | None
    machine: Machine
    figures: Figures = field(default_factory=Figures)
    counts: Sequence[CommandCount] = ()
    speeds: dict[str, RebalanceSpeed] = field(default_factory=dict[str, RebalanceSpeed])
    began: float = field(default_factory=time.monotonic)

    @property
    def peers(self) -> Sequence[str]:
        """Those that can run here."""
        return PEERS if self.peer_python else ()

    def tell(self, words: str) -> None:
        """Progress, with the time that has passed."""
        sys.stderr.write(f"[{time.monotonic() - self.began:4.0f} s] {words}\n")

    def attempt(self, name: str, measure: Callable[[], Any]) -> None:
        """Measure a part if it is asked for; what fails is told, and leaves its figures out."""
        if self.options.only and name not in self.options.only:
            return
        try:
            measure()
        except _FAILURES as error:
            self.tell(f"{name} failed, and is left out: {type(error).__name__}: {error}")


def main() -> None:
    """Run all parts one after another, or those that are asked for."""
    options = _parse()
    pinned = _pin(options.pin)
    run = _Run(options, _peers(), describe_machine(pinned))
    run.attempt("rates", lambda: _rates(run))
    run.attempt("always", lambda: _always(run))
    run.attempt("latency", lambda: _on_stage(run, _latency))
    run.attempt("restart", lambda: _on_stage(run, _restart))
    run.attempt("depth", lambda: _on_stage(run, _depth))
    run.attempt("commands", lambda: _commands(run))
    run.attempt("rebalance", lambda: _rebalance(run))
    page = render(run.machine, run.figures, run.counts, run.speeds, rounds=options.rounds)
    print(page)
    if not options.only:
        (_DOCS / "benchmarks.md").write_text(page, "utf-8")
        (_DOCS / "benchmarks.svg").write_text(draw(run.figures), "utf-8")
        run.tell("written to docs/benchmarks.md and docs/benchmarks.svg")


def _parse() -> Namespace:
    parser = ArgumentParser(prog="python -m bench", description="Measure the queue beside its peers.")
    parser.add_argument("--only", nargs="+", choices=_PARTS, help="measure these parts, and print instead of writing")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each comparison (default 3)")
    parser.add_argument(
        "--restart-seconds", type=float, default=60, help="how long to wait for a killed worker's job (default 60)"
    )
    parser.add_argument(
        "--pin",
        choices=("same", "none"),
        default="same",
        help="same: servers and clients share one core, which repeats best (default); none: as the system places them",
    )
    return parser.parse_args()


def _pin(choice: str) -> bool:
    """Bind this process, and so all that it starts, to the last core."""
    if choice == "none" or not hasattr(os, "sched_setaffinity"):
        return False
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return True


def _peers() -> Path | None:
    try:
        return peer_python(lambda words: sys.stderr.write(f"{words}\n"))
    except PeersNotInstalled as error:
        sys.stderr.write(f"the peers cannot be installed, so the product is measured alone:\n{error}\n")
        return None


def _rates(run: _Run) -> None:
    with open_stage("everysec", run.peer_python) as stage:
        contest = Contest(stage, run.figures, policy="everysec", tell=run.tell)
        for number in range(run.options.rounds):
            run.tell(f"round {number + 1} of {run.options.rounds}")
            contest.round(("product", "naive", *run.peers), (1, 10))
            contest.extras()


def _always(run: _Run) -> None:
    with open_stage("always", run.peer_python) as stage:
        contest = Contest(stage, run.figures, policy="always", tell=run.tell)
        contest.round(("product", "naive", *run.peers), (1,))
        for _ in range(run.options.rounds - 1):
            contest.round(("product",), (1,))


def _on_stage(run: _Run, measure: Callable[[_Run, Stage], None]) -> None:
    with open_stage("everysec", run.peer_python) as stage:
        measure(run, stage)


def _latency(run: _Run, stage: Stage) -> None:
    measure_latency(stage, ("product", "product alone", "naive", *run.peers), run.figures, run.tell)


def _restart(run: _Run, stage: Stage) -> None:
    at_most = run.options.restart_seconds
    measure_restarts(stage, ("product", *run.peers), run.figures, at_most=at_most, tell=run.tell)


def _depth(run: _Run, stage: Stage) -> None:
    measure_depths(stage, run.figures, rounds=run.options.rounds, tell=run.tell)


def _commands(run: _Run) -> None:
    run.tell("counting commands")
    run.counts = asyncio.run(count_on_a_fresh_queue())


def _rebalance(run: _Run) -> None:
    run.tell("rebalancing against a simulated gateway")
    rounds = run.options.rounds
    for name, known in (("first after a start", False), ("later ones", True)):
        run.speeds[name] = asyncio.run(measure_rebalance(rounds=rounds, contracts_known=known))


if __name__ == "__main__":
    main()
