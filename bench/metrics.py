"""What was measured: named figures, each with its spread over the rounds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Self


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over all rounds."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """The middle and the ends.

        Raises:
            ValueError: there is no value.
        """
        if not values:
            raise ValueError("a figure needs one round at least")
        return cls(median(values), min(values), max(values))


@dataclass(slots=True)
class Figures:
    """Collects values under names, round by round."""

    _values: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def add(self, name: str, value: float) -> None:
        """One more round's value."""
        self._values.setdefault(name, []).append(value)

    def get(self, name: str) -> Spread | None:
        """The figure, None when it was not measured."""
        return Spread.of(self._values[name]) if name in self._values else None

    def median(self, name: str) -> float | None:
        """Its middle, None when it was not measured."""
        spread = self.get(name)
        return None if spread is None else spread.median

    def ratio(self, name: str, to: str) -> float | None:
        """One middle as a multiple of another; None unless both were measured."""
        one, other = self.median(name), self.median(to)
        return None if one is None or not other else one / other
