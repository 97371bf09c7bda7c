"""What came of one trial."""

from collections.abc import Sequence
from dataclasses import dataclass

from chaos.invariants import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A trial's findings and figures; its seed says what it did."""

    kind: str
    """queue, schedule, system or soak."""
    seed: int
    faults: Sequence[str]
    findings: Sequence[Finding]
    kills: int
    events: int
    orders: int
    records: int
    seconds: float
