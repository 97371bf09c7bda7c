"""The figures of a run, and the report that it leaves."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chaos.mutants.verdict import Verdict
from chaos.outcome import Outcome
from chaos.soak.growth import Growth

_KINDS: Final = {
    "queue": "of the queue",
    "schedule": "schedules",
    "system": "of the whole system",
    "soak": "soak",
}
_SUMS: Final = {"kills": "kills", "events": "events", "orders": "orders", "records": "audit records"}


@dataclass
class Figures:
    """What all trials so far came to."""

    seed: int
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    verdicts: list[Verdict] = field(default_factory=list[Verdict])
    growths: list[Growth] = field(default_factory=list[Growth])
    """Of a soak."""
    seconds: float = 0
    again: str = "make chaos TRIALS=1 SEED={seed} LEVEL={kind}"
    """How to run a trial once more."""

    @property
    def failed(self) -> list[Outcome]:
        """Trials with findings, the driver's own breakdowns among them."""
        return [outcome for outcome in self.outcomes if outcome.findings]

    @property
    def is_good(self) -> bool:
        """No finding, and every known bug that was tried was caught."""
        return not self.failed and all(verdict.is_caught for verdict in self.verdicts)

    def line(self) -> str:
        """All figures in one line."""
        kinds = Counter(outcome.kind for outcome in self.outcomes)
        told = ", ".join(f"{kinds[kind]} {words}" for kind, words in _KINDS.items() if kinds[kind])
        voids = sum(outcome.is_void for outcome in self.outcomes)
        caught = sum(verdict.is_caught for verdict in self.verdicts)
        figures = [
            f"{len(self.outcomes)} trials ({told})",
            *(f"{self._sum(name)} {words}" for name, words in _SUMS.items()),
            f"{len(self.failed) - voids} trials with violations",
            f"{voids} errors of the driver",
            f"{caught} of {len(self.verdicts)} known bugs caught",
            f"seed {self.seed}",
            f"{self.seconds:.0f} s",
            *(growth.words for growth in self.growths),
        ]
        return ", ".join(figures)

    def report(self) -> str:
        """The whole report, as Markdown."""
        parts = [self._faults(), self._known_bugs(), *([self._growths()] if self.growths else []), self._failures()]
        return "\n\n".join(["# Chaos run", self.line(), *("\n".join(part) for part in parts)]) + "\n"

    def write(self, folder: Path) -> Path:
        """Leave the report in a folder; its place."""
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / f"report-{self.seed}.md"
        place.write_text(self.report(), "utf-8")
        return place

    def _sum(self, name: str) -> int:
        return sum(getattr(outcome, name) for outcome in self.outcomes)

    def _faults(self) -> Sequence[str]:
        counted = Counter((outcome.kind, fault) for outcome in self.outcomes for fault in outcome.faults)
        rows = [f"| {kind} | {fault} | {count} |" for (kind, fault), count in sorted(counted.items())]
        return ["| level | fault | trials with it |", "|---|---|---|", *rows]

    def _known_bugs(self) -> Sequence[str]:
        rows = [f"| {verdict.bug} | {verdict.words} |" for verdict in self.verdicts]
        return ["| known bug | verdict |", "|---|---|", *rows] if rows else ["No known bugs were tried."]

    def _growths(self) -> Sequence[str]:
        rows = [growth.row for growth in self.growths]
        return ["| part | lives | readings after warm-up | size | slope |", "|---|---|---|---|---|", *rows]

    def _failures(self) -> Sequence[str]:
        if not self.failed:
            return ["No violation."]
        lines: list[str] = []
        for outcome in self.failed:
            faults = ", ".join(outcome.faults)
            lines += [f"## {outcome.kind} trial, seed {outcome.seed} ({faults})", ""]
            lines += [f"Again: `{self.again.format(seed=outcome.seed, kind=outcome.kind)}`", ""]
            lines += [f"- {finding.invariant}: {finding.words}" for finding in outcome.findings[:20]]
            lines.append("")
        return lines
