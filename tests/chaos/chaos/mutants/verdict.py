"""Whether a known bug was caught."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a campaign against one known bug found."""

    bug: str
    trials: int
    invariants: frozenset[str]
    """Those that were broken in the trial that caught it; empty when none did."""
    expected: frozenset[str]

    @property
    def is_caught(self) -> bool:
        """Whether one of the invariants that the bug breaks was found broken."""
        return bool(self.invariants & self.expected)

    @property
    def words(self) -> str:
        """For the report."""
        broken = ", ".join(sorted(self.invariants))
        return f"caught in trial {self.trials} by {broken}" if self.is_caught else f"MISSED in {self.trials} trials"
