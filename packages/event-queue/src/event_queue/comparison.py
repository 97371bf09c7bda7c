"""Redis and history compared: where both stand, and what that means."""

from dataclasses import dataclass
from typing import Final

from event_queue.one_past import LACKING, HistoryPosition, Survey, Verdict

OTHER_PAST: Final = (Verdict.REDIS_LOST, Verdict.REDIS_WENT_BACK)
"""Redis has to be numbered anew."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Where both stand, and what that means."""

    position: HistoryPosition
    survey: Survey
    verdict: Verdict

    @property
    def history_knows_all(self) -> bool:
        """Whether nothing would be missing from history if Redis were lost now."""
        return self.verdict is Verdict.AGREES and self.is_level

    @property
    def is_level(self) -> bool:
        """Whether both have the same last record."""
        return self.survey.counter == self.position.counter

    @property
    def lacks_keys(self) -> bool:
        """Whether only events are lost, all of which come back from history once it holds every record."""
        is_halted_for_it = self.survey.halt.startswith(LACKING) and self.verdict not in OTHER_PAST
        return self.verdict is Verdict.KEYS_LOST or is_halted_for_it

    @property
    def needs_mending(self) -> bool:
        """Whether the queue must not be traded on as it is."""
        return bool(self.survey.halt) or self.verdict in (Verdict.KEYS_LOST, *OTHER_PAST)
