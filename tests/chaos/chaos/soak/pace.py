"""How a soak divides its time; everything follows from its length."""

from dataclasses import dataclass

_SHORTEST_JUDGED_MINUTES = 30.0
_PARTS = 3
_KILLS = 6


@dataclass(frozen=True, slots=True)
class Pace:
    """Of a soak of so many minutes.

    In its first third worker and Redis are killed again and again. The lives that begin there last to the end, so
    that each is measured for a third at least, after a third in which it may grow.
    """

    minutes: float

    @property
    def seconds(self) -> float:
        """The whole length."""
        return self.minutes * 60

    @property
    def killing_seconds(self) -> float:
        """How long worker and Redis are killed."""
        return self.seconds / _PARTS

    @property
    def life_seconds(self) -> float:
        """About how long they live meanwhile."""
        return self.killing_seconds / _KILLS

    @property
    def warm_up_seconds(self) -> float:
        """How long each process may grow after its start."""
        return self.seconds / _PARTS

    @property
    def receipt_seconds(self) -> float:
        """How long Redis keeps a receipt here, instead of days; what it holds has its level before the warm-up ends."""
        return max(30.0, self.warm_up_seconds / 4)

    @property
    def is_judged(self) -> bool:
        """Whether it is long enough for a slope to mean something."""
        return self.minutes >= _SHORTEST_JUDGED_MINUTES
