"""What came of one trial."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chaos.invariants import Finding

DRIVER: Final = "driver"
"""Stands in the place of an invariant when the driver itself has something to say."""


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

    @property
    def is_void(self) -> bool:
        """Whether the driver itself broke down, so that the trial says nothing of the product."""
        return bool(self.findings) and all(finding.invariant == DRIVER for finding in self.findings)
