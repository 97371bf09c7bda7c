"""What the worker says of itself on /health."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

from event_queue.components import ComponentReport, ComponentState
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease

WORKER: Final = "worker"
"""The name under which the worker is reported."""

_Ending = tuple[RebalanceEvent, str, datetime]
"""What ended, how, and when: put into words for a report, of which there are fewer than endings."""


class WorkerStatus:
    """The worker's present: written by the worker alone, read for reports."""

    def __init__(self) -> None:
        self._listener: Callable[[], None] | None = None
        self._lease: Lease | None = None
        self._in_hand: dict[UUID, tuple[RebalanceEvent, datetime]] = {}
        self._last: Mapping[str, Any] | _Ending | None = None
        self._hindered: dict[str, str] = {}
        """What does not run beside the work just now, by its name."""
        self._has_ended_some = False
        """Whether it has, under this lease."""
        self.follows = False
        """Whether it is known what the worker that led before had ended last."""

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have a function called after each change, so that a report can follow at once."""
        self._listener = listener

    def holding(self, lease: Lease | None) -> None:
        """The worker has the lease, or no longer has one."""
        self._lease = lease
        if lease is None:
            self._in_hand.clear()
            self._hindered.clear()
            self._has_ended_some = self.follows = False
        self._changed()

    def hindered(self, name: str, reason: str | None) -> None:
        """Something beside the work has failed, for this reason; None: it runs again."""
        if reason is None:
            self._hindered.pop(name, None)
        else:
            self._hindered[name] = reason
        self._changed()

    def follow(self, earlier: ComponentReport | None) -> None:
        """Go on from what the worker that led before reported last; what was ended since is later."""
        last = earlier.facts.get("last") if earlier is not None else None
        if isinstance(last, dict) and not self._has_ended_some:
            self._last = cast("dict[str, Any]", last)
        self.follows = True

    def working_on(self, event: RebalanceEvent, now: datetime) -> None:
        """An attempt begins."""
        self._in_hand[event.event_id] = (event, now)
        self._changed()

    def done_with(self, event: RebalanceEvent, outcome: str, now: datetime) -> None:
        """An attempt has ended."""
        self._in_hand.pop(event.event_id, None)
        self._last = (event, outcome, now)
        self._has_ended_some = True
        self._changed()

    @property
    def is_busy(self) -> bool:
        """Whether an attempt is under way."""
        return bool(self._in_hand)

    def report(self, now: datetime) -> ComponentReport | None:
        """The present in words and facts; None while standing by, because then another worker speaks."""
        if self._lease is None:
            return None
        facts: dict[str, Any] = {
            "lease": self._lease.token,
            "in_hand": [_in_hand(event, since, now) for event, since in self._in_hand.values()],
            "last": self._last_facts,
        }
        state = ComponentState.DEGRADED if self._hindered else ComponentState.OK
        return ComponentReport(WORKER, state, "; ".join([self._detail(), *self._hindered.values()]), facts, now)

    def report_waiting(self, lease: Lease, *, seconds: float, reason: str, now: datetime) -> ComponentReport:
        """The present of a worker whose lease is not to be used for so many seconds yet."""
        until = now + timedelta(seconds=seconds)
        detail = f"works from {until:%Y-%m-%d %H:%M:%S} UTC on, when every earlier lease has ended: {reason}"
        facts: dict[str, Any] = {"lease": lease.token, "in_hand": [], "last": self._last_facts}
        return ComponentReport(WORKER, ComponentState.DEGRADED, detail, facts, now)

    @property
    def _last_facts(self) -> Mapping[str, Any] | None:
        return _ended(*self._last) if isinstance(self._last, tuple) else self._last

    def _changed(self) -> None:
        if self._listener is not None:
            self._listener()

    def _detail(self) -> str:
        if not self._in_hand:
            return "waiting for events"
        works = (f"{event.exec_command} of {event.account_id}" for event, _ in self._in_hand.values())
        return f"working on {', '.join(works)}"


def _in_hand(event: RebalanceEvent, since: datetime, now: datetime) -> dict[str, Any]:
    age = max(0.0, (now - since).total_seconds())
    return {**_names(event), "age_seconds": round(age, 1)}


def _ended(event: RebalanceEvent, outcome: str, ended_at: datetime) -> dict[str, Any]:
    return {**_names(event), "outcome": outcome, "ended_at": ended_at.isoformat()}


def _names(event: RebalanceEvent) -> dict[str, Any]:
    return {
        "event_id": str(event.event_id),
        "account_id": event.account_id,
        "command": event.exec_command.value,
        "times_queued": event.times_queued,
    }
