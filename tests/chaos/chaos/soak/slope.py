"""The straight line through what was measured: how steep it is, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import sqrt
from statistics import fmean

_HOUR_SECONDS = 3600.0
_SURE_ERRORS = 2.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One look."""

    seconds: float
    """Since any moment that all readings share."""
    size: float
    """In bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """How something grew."""

    percent_an_hour: float
    """Of its mean size."""
    error: float
    """Standard error of that, as if each reading were independent of the one before."""
    mean: float
    """In bytes."""

    @property
    def is_sure(self) -> bool:
        """Whether it can be told from none at all."""
        return abs(self.percent_an_hour) > _SURE_ERRORS * self.error


def slope_of(lives: Sequence[Sequence[Reading]]) -> Slope | None:
    """Least squares over all lives of a process, each with a level of its own and all with one slope.

    None when no life has readings at two moments.
    """
    moves = [move for life in lives if life for move in _from_their_middle(life)]
    spread = sum(seconds * seconds for seconds, _ in moves)
    if spread == 0:
        return None
    steepness = sum(seconds * size for seconds, size in moves) / spread
    misses = sum((size - steepness * seconds) ** 2 for seconds, size in moves)
    freedom = max(1, len(moves) - sum(1 for life in lives if life) - 1)
    mean = fmean(reading.size for reading in chain.from_iterable(lives))
    scale = 100 * _HOUR_SECONDS / mean
    return Slope(percent_an_hour=steepness * scale, error=sqrt(misses / freedom / spread) * scale, mean=mean)


def _from_their_middle(life: Sequence[Reading]) -> list[tuple[float, float]]:
    """Each reading's distance from the middle of its life."""
    seconds, size = fmean(each.seconds for each in life), fmean(each.size for each in life)
    return [(each.seconds - seconds, each.size - size) for each in life]
