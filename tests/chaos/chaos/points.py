"""Named points of the product's life, at which a process under attack is struck. Runs inside that process.

A point is `<place>:before` or `<place>:after`. Places are the scripts of the queue by name (claim, finish, requeue,
record, ...), the steps of the relay (insert, cursor, append, trim) and, in an event-processor, what is asked of the
brokerage (connect, place_order, cancel_order, await_order, snapshot) and of its own clock (pause).
"""

import functools
import importlib
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from event_queue.errors import QueueUnavailable

Deed = Literal["kill", "stop", "term", "cancel", "lose"]
SIGNALS: Mapping[str, signal.Signals] = {
    "kill": signal.SIGKILL,
    "stop": signal.SIGSTOP,
    "term": signal.SIGTERM,
}

SCRIPTS = ("event_queue.script_runner", "ScriptRunner", "run")
"""Its first argument names the place."""
METHODS = {
    "insert": ("event_queue.postgres_append", "PostgresAppender", "_insert"),
    "cursor": ("event_queue.postgres_append", "PostgresAppender", "_move_cursor"),
    "append": ("event_queue.postgres_audit", "PostgresAudit", "append"),
    "trim": ("event_queue.redis_outbox", "RedisOutbox", "trim"),
    "connect": ("ibkr_connector", "IBKRClient", "connect"),
    "place_order": ("ibkr_connector", "IBKRClient", "place_order"),
    "cancel_order": ("ibkr_connector", "IBKRClient", "cancel_order"),
    "await_order": ("ibkr_connector", "IBKRClient", "await_order"),
    "snapshot": ("ibkr_connector", "IBKRClient", "get_account_snapshot"),
}


@dataclass(frozen=True, slots=True)
class Strike:
    """What happens when a point is reached for the `hit`-th time."""

    point: str
    hit: int
    deed: Deed


class Points:
    """Counts how often each point of this process is reached, and strikes."""

    def __init__(self, strikes: Sequence[Strike]) -> None:
        self._strikes = {(strike.point, strike.hit): strike.deed for strike in strikes}
        self._reached: Counter[str] = Counter()
        self.on_cancel: Callable[[], object] = _nobody
        """Cancels the work of this process as a whole."""
        self.on_strike: Callable[[str], object] = _unheard
        """Told of each point right before it is struck."""

    @property
    def places(self) -> frozenset[str]:
        """Where something is to happen."""
        return frozenset(point.partition(":")[0] for point, _ in self._strikes)

    def reach(self, point: str) -> None:
        """Somebody is at this point now.

        Raises:
            QueueUnavailable: the reply is to be lost, after the script has run.
        """
        self._reached[point] += 1
        deed = self._strikes.get((point, self._reached[point]))
        if deed is None:
            return
        self.on_strike(point)
        if deed == "cancel":
            self.on_cancel()
        elif deed == "lose":
            raise QueueUnavailable(f"the reply at {point} was lost on purpose")
        else:
            os.kill(os.getpid(), SIGNALS[deed])


def _nobody() -> None:
    """There is nothing to cancel yet."""


def _unheard(_point: str) -> None:
    """Nobody wants to know of a strike."""


def arm(strikes: Sequence[Strike]) -> Points:
    """Watch the places of these strikes in this process.

    Raises:
        AttributeError: the product has no such place any more.
    """
    points = Points(strikes)
    methods = points.places & METHODS.keys()
    if points.places - methods:
        _wrap(SCRIPTS, lambda args: str(args[1]), points)
    for place in methods:
        _wrap(METHODS[place], functools.partial(_constant, place), points)
    return points


def _constant(place: str, _args: Sequence[Any]) -> str:
    return place


def _wrap(where: tuple[str, str, str], place_of: Callable[[Sequence[Any]], str], points: Points) -> None:
    module, class_name, name = where
    owner = getattr(importlib.import_module(module), class_name)
    wrapped: Callable[..., Awaitable[Any]] = getattr(owner, name)

    @functools.wraps(wrapped)
    async def watched(*args: Any, **more: Any) -> Any:
        place = place_of(args)
        points.reach(f"{place}:before")
        result = await wrapped(*args, **more)
        points.reach(f"{place}:after")
        return result

    setattr(owner, name, watched)
