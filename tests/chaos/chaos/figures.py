"""The figures of a run, and the report that it leaves."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chaos.mutants.verdict import Verdict
from chaos.outcome import Outcome


@dataclass
class Figures:
    """What all trials so far came to."""

    seed: int
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    verdicts: list[Verdict] = field(default_factory=list[Verdict])
    seconds: float = 0

    @property
    def failed(self) -> list[Outcome]:
        """Trials with findings."""
        return [outcome for outcome in self.outcomes if outcome.findings]

    @property
    def is_good(self) -> bool:
        """No finding, and every known bug that was tried was caught."""
        return not self.failed and all(verdict.is_caught for verdict in self.verdicts)

    def line(self) -> str:
        """All figures in one line."""
        kinds = Counter(outcome.kind for outcome in self.outcomes)
        caught = sum(verdict.is_caught for verdict in self.verdicts)
        return (
            f"{len(self.outcomes)} trials ({kinds['queue']} of the queue, "
            f"{kinds['schedule']} schedules, {kinds['system']} of the whole system), "
            f"{self._sum('kills')} kills, {self._sum('events')} events, {self._sum('orders')} orders, "
            f"{self._sum('records')} audit records, {len(self.failed)} trials with violations, "
            f"{caught} of {len(self.verdicts)} known bugs caught, seed {self.seed}, {self.seconds:.0f} s"
        )

    def report(self) -> str:
        """The whole report, as Markdown."""
        parts = ["# Chaos run", "", self.line(), "", *self._faults(), "", *self._known_bugs(), "", *self._failures()]
        return "\n".join(parts) + "\n"

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

    def _failures(self) -> Sequence[str]:
        if not self.failed:
            return ["No violation."]
        lines: list[str] = []
        for outcome in self.failed:
            faults = ", ".join(outcome.faults)
            lines += [f"## {outcome.kind} trial, seed {outcome.seed} ({faults})", ""]
            lines += [f"Again: `make chaos TRIALS=1 SEED={outcome.seed} LEVEL={outcome.kind}`", ""]
            lines += [f"- {finding.invariant}: {finding.words}" for finding in outcome.findings[:20]]
            lines.append("")
        return lines
