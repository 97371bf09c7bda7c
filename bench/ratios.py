"""The arithmetic: times of interleaved rounds become ratios to the yardstick of the same round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement over all rounds."""

    name: str
    median_seconds: float
    """Of one operation."""
    median_ratio: float
    """To the yardstick of the same round."""
    lowest_ratio: float
    highest_ratio: float

    @classmethod
    def of(cls, name: str, seconds: Sequence[float], yardstick: Sequence[float]) -> Self:
        """Judge seconds an operation against the yardstick's, round by round.

        Raises:
            ValueError: there is no round, or the two were not measured in the same rounds.
        """
        if not seconds or len(seconds) != len(yardstick):
            raise ValueError(f"{name}: {len(seconds)} rounds against {len(yardstick)} of the yardstick")
        ratios = [ours / raw for ours, raw in zip(seconds, yardstick, strict=True)]
        return cls(name, median(seconds), median(ratios), min(ratios), max(ratios))


def figures(rounds: Sequence[Mapping[str, float]], yardstick: str) -> list[Figure]:
    """A figure for each name that every round measured, the yardstick itself first."""
    raw = [measured[yardstick] for measured in rounds]
    names = [yardstick, *(name for name in rounds[0] if name != yardstick)]
    return [Figure.of(name, [measured[name] for measured in rounds], raw) for name in names]
