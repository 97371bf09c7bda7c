"""How a soak divides its time; everything follows from its length."""

from dataclasses import dataclass

_SHORTEST_JUDGED_MINUTES = 30.0
_LIVES = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """Of a soak of so many minutes."""

    minutes: float

    @property
    def seconds(self) -> float:
        """The whole length."""
        return self.minutes * 60

    @property
    def life_seconds(self) -> float:
        """About how long the worker and Redis live until they are killed: long enough to see whether they grow."""
        return self.seconds / _LIVES

    @property
    def warm_up_seconds(self) -> float:
        """How long each process may grow after its start."""
        return self.life_seconds / 2

    @property
    def receipt_seconds(self) -> float:
        """How long Redis keeps a receipt here, instead of days; what it holds reaches its level with the warm-up."""
        return max(30.0, self.warm_up_seconds)

    @property
    def is_judged(self) -> bool:
        """Whether it is long enough for a slope to mean something."""
        return self.minutes >= _SHORTEST_JUDGED_MINUTES
