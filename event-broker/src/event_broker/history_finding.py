"""What a look at Redis and its history shows, in words that tell an operator what to do."""

from dataclasses import dataclass

from event_queue.comparison import Comparison
from event_queue.components import ComponentState
from event_queue.errors import QueueError
from event_queue.one_past import Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look showed."""

    state: ComponentState
    detail: str
    verdict: Verdict | None = None
    halt: str = ""
    may_carry: bool = True
    """Whether records may be carried to PostgreSQL."""


STARTING = Finding(ComponentState.OK, "Starting.")
REBUILT = Finding(ComponentState.OK, "Redis was emptied, and has been rebuilt from PostgreSQL.", verdict=Verdict.AGREES)
WAITS_FOR_FILES = Finding(
    ComponentState.DOWN,
    "Redis was emptied; it is rebuilt once the records spilled to disk are in PostgreSQL.",
    verdict=Verdict.REDIS_LOST,
)


def well(verdict: Verdict) -> Finding:
    """Trading goes on; a history that has lost records is told of."""
    if verdict is Verdict.HISTORY_LOST:
        words = (
            "PostgreSQL has lost records that Redis no longer holds: trading goes on. "
            "Run `rebalancer resync`, so that it learns again what is in the queue."
        )
        return Finding(ComponentState.DEGRADED, words, verdict)
    return Finding(ComponentState.OK, "Redis and PostgreSQL agree.", verdict)


def halted(comparison: Comparison, halt: str) -> Finding:
    """Nothing is traded until an operator has come."""
    if not comparison.lacks_keys:
        words = (
            "Redis went back in time behind its history, and nothing is traded. Look at `rebalancer resync --dry-run`, "
            "then run `rebalancer resync`."
        )
        return Finding(ComponentState.DOWN, words, Verdict.REDIS_WENT_BACK, halt, may_carry=False)
    # Records are carried on: it takes all of them to bring the events back.
    found = "Redis lost some of the keys that hold its events"
    if comparison.verdict is not Verdict.KEYS_LOST:
        found = "The keys of Redis that hold its events contradicted each other; that they do no more proves nothing"
    words = (
        f"{found}, and nothing is traded. See that it evicts nothing (maxmemory-policy noeviction) and who else writes "
        "to it, look at `rebalancer resync --dry-run`, then run `rebalancer resync`."
    )
    return Finding(ComponentState.DOWN, words, Verdict.KEYS_LOST, halt)


def halted_with_files(error: QueueError, halt: str) -> Finding:
    """What lies on disk goes first, and cannot."""
    words = f"Redis is halted, nothing is traded, and records on disk, which go first, wait: {error}"
    return Finding(ComponentState.DOWN, words, halt=halt, may_carry=False)


def not_compared(error: QueueError) -> Finding:
    """Redis, or what it holds, kept it from being looked at."""
    return Finding(ComponentState.DEGRADED, f"Redis could not be compared with history: {error}")


def without_history(error: QueueError, halt: str) -> Finding:
    """PostgreSQL is away; trading goes on unless a halt is in force."""
    if halt:
        words = f"Redis is halted, nothing is traded, and PostgreSQL, which it takes to put it right, is away: {error}"
        return Finding(ComponentState.DOWN, words, halt=halt, may_carry=False)
    words = f"Redis cannot be compared with history while PostgreSQL is away, and trading goes on: {error}"
    return Finding(ComponentState.DEGRADED, words)
