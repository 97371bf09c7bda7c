"""How much of what they may take the waiting audit records take, and what that calls for."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

USUAL_BUDGET: Final = 512 * 1024 * 1024
"""For a Redis without a memory limit: more than a million records."""
_SHARE_OF_LIMIT: Final = 0.5
_REDIS_FULL: Final = 0.8
"""The share of Redis's memory limit beyond which the outbox must not grow, whoever fills the rest."""
_LEAST_BUDGET: Final = 1024 * 1024


class Pressure(IntEnum):
    """What the outbox's share of its budget calls for, in percent of the budget."""

    NONE = 0
    NOTICE = 25
    WARNING = 50
    ALARM = 75


@dataclass(frozen=True, slots=True)
class OutboxSize:
    """What Redis says about the outbox at one moment."""

    records: int
    bytes: int
    redis_used: int = 0
    redis_limit: int = 0
    """Redis's `maxmemory`; 0 when it has none."""
    is_halted: bool = False
    """Whether records wait to be put right, and are not to be moved meanwhile."""

    def budget(self, wanted: int | None) -> int:
        """Bytes that the outbox may take.

        `wanted`, else half of Redis's memory limit, else USUAL_BUDGET; and never so much that Redis would come above
        80 % of its limit, whatever else is in it.
        """
        usual = int(self.redis_limit * _SHARE_OF_LIMIT) if self.redis_limit else USUAL_BUDGET
        budget = usual if wanted is None else wanted
        if not self.redis_limit:
            return budget
        left = int(self.redis_limit * _REDIS_FULL) - self.redis_used
        return min(budget, max(self.bytes + left, _LEAST_BUDGET))


def pressure_of(percent: float) -> Pressure:
    """The highest level that the share has reached."""
    return max(level for level in Pressure if percent >= level)
