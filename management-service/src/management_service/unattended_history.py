"""How Redis and its history agree while nobody says so: the event-broker, which compares them, is not heard of."""

from dataclasses import replace
from typing import Final

from event_queue.comparison import Comparison
from event_queue.components import ComponentState
from event_queue.one_past import Verdict
from management_service.health import ComponentHealth

_LOSSES: Final = {
    Verdict.REDIS_LOST: "Redis was emptied",
    Verdict.REDIS_WENT_BACK: "Redis went back in time behind its history",
    Verdict.KEYS_LOST: "Redis lost some of the keys that hold its events",
}


def unattended_history(silent: ComponentHealth, comparison: Comparison | None) -> ComponentHealth:
    """The part `history` by a look of our own, None when that was not possible.

    It tells of a loss alone: what agrees now may not a moment later, and nobody would notice.
    """
    if comparison is None or comparison.verdict not in _LOSSES:
        return silent
    words = f"{_LOSSES[comparison.verdict]}, and nobody puts it right ({silent.detail})"
    return replace(silent, state=ComponentState.DOWN, detail=words, facts={"verdict": comparison.verdict.value})
