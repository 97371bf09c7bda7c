"""The words of a halt: why nothing is traded, and which records of history the queue never saw."""

import re
from typing import Final

from event_queue.mend_plan import Divergence
from event_queue.one_past import CLOSED, HALTED, LACKING

_WORDS: Final = re.compile(r"\w+ (\d+) (\d+) ")
_REASONS: Final = {
    CLOSED: "Redis was emptied and is being rebuilt from history",
    HALTED: "Redis went back in time: run `rebalancer resync`",
    LACKING: "Redis lost some of its keys: run `rebalancer resync`",
}


def halt_words(word: str, divergence: Divergence) -> str:
    """What is written down when trading is halted for the reason that the word names."""
    return f"{word} {divergence.agreed} {divergence.ahead} {_REASONS[word]}"


def divergence_in(halt: str) -> Divergence | None:
    """What the queue never saw, as a halt says; None when it is no halt of ours."""
    found = _WORDS.match(halt)
    return Divergence(int(found[1]), int(found[2])) if found else None
