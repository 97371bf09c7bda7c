"""Whether a part of the system grew while it did the same work all the time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chaos.invariants import Finding
from chaos.soak.slope import Slope

MOST_PERCENT_AN_HOUR = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Of one part."""

    part: str
    lives: int
    """How many of its processes lived past their warm-up."""
    readings: int
    slope: Slope | None

    @property
    def words(self) -> str:
        """For the line of figures."""
        if self.slope is None:
            return f"{self.part} not measured"
        return f"{self.part} {self.slope.percent_an_hour:+.2f} %/h"

    @property
    def row(self) -> str:
        """For the table of the report."""
        if self.slope is None:
            return f"| {self.part} | {self.lives} | {self.readings} | | |"
        slope = f"{self.slope.percent_an_hour:+.2f} ± {self.slope.error:.2f} %/h"
        return f"| {self.part} | {self.lives} | {self.readings} | {self.slope.mean / 1024:.0f} KiB | {slope} |"


def too_steep(growths: Sequence[Growth]) -> Iterator[Finding]:
    """F24: nothing grows by a hundredth of itself an hour, and everything was measured."""
    for growth in growths:
        if growth.slope is None:
            yield Finding("F24", f"{growth.part} never lived past its warm-up, so nobody knows whether it grows")
        elif growth.slope.is_sure and growth.slope.percent_an_hour >= MOST_PERCENT_AN_HOUR:
            yield Finding("F24", f"{growth.words}; less than {MOST_PERCENT_AN_HOUR:.0f} was to be expected")
