"""The audit read from its start: what the queue must look like after each record, by a second, independent telling.

An event whose pause has ended joins the line with the first claim after that. Clocks are read more than once in a
script, so with which claim is known only within some milliseconds: everything in line has an earliest and a latest
place (the counters between which it joined), and only what is certainly behind must not be claimed first.

A Redis that went back in time wrote records that contradict history. They stand behind it, marked as moved: what is
impossible in them is passed over, and the records of the mending say anew how each event stands.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from chaos.observation import ENDS, Body, Entry

_SLACK_MS = 3
_LATE_MS = 200
"""A script reads the clock first and writes its record last; a busy machine may let so much time pass between."""
_NEVER = 1 << 62
_TELLS_A_PLACE = {"reason": "restored from history"}
"""Of the record that follows one of the mending, when the event does not wait in line."""


@dataclass
class Folded:
    """The queue as the audit tells it, after the latest record."""

    clock_is_steady: bool = True
    living: dict[str, Body] = field(default_factory=dict[str, Body])
    line: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """Id -> between which counters it joined."""
    joining: dict[str, int] = field(default_factory=dict[str, int])
    """Delayed ids that may have joined already -> since which counter."""
    delayed: dict[str, float] = field(default_factory=dict[str, float])
    parked: dict[str, float] = field(default_factory=dict[str, float])
    in_hand: set[str] = field(default_factory=set[str])
    reruns: dict[str, str] = field(default_factory=dict[str, str])
    pauses: set[str] = field(default_factory=set[str])
    ends: Counter[str] = field(default_factory=Counter[str])
    status: dict[str, str] = field(default_factory=dict[str, str])
    last: dict[str, int] = field(default_factory=dict[str, int])
    said: dict[str, int] = field(default_factory=dict[str, int])
    counted: Counter[str] = field(default_factory=Counter[str])
    counts: dict[int, tuple[int, int, int, int]] = field(default_factory=dict[int, tuple[int, int, int, int]])
    """Counter -> aside, processing, active, retrying."""
    superseded: frozenset[tuple[str, str]] = frozenset()
    """Ids of events that a mending ended for a newer one of the same pair, and of that one, which may stand before."""
    out_of_order: list[str] = field(default_factory=list[str])
    twins: list[str] = field(default_factory=list[str])
    impossible: list[str] = field(default_factory=list[str])


_STATUS = {
    "queued": "pending",
    "claimed": "processing",
    "completed": "completed",
    "requeued": "failed",
    "delayed": "delayed",
    "parked": "delayed",
    "recovered": "pending",
    "restored": "pending",
    "skipped": "skipped",
    "deleted": "deleted",
}


_FINAL = ("completed", "skipped", "deleted")


def fold(entries: Sequence[Entry], *, clock_is_steady: bool = True) -> Folded:
    """Read all records in the order of their counters.

    A clock that was stepped does not tell when a pause ended: then a claim itself does.
    """
    superseded = {(each.event_id, str(each.details.get("superseded_by"))) for each in entries if each.kind == "deleted"}
    told = Folded(clock_is_steady=clock_is_steady, superseded=frozenset(superseded))
    _count(told, 0)
    for entry in entries:
        _take(told, entry)
        _count(told, entry.counter)
    return told


def _take(told: Folded, entry: Entry) -> None:
    if entry.kind in ("paused", "resumed"):
        _switch(told, entry)
        return
    _note_status(told, entry)
    if entry.kind == "resynced":
        _leave(told, entry.event_id)
        told.living.pop(entry.event_id, None)
    elif entry.mends:
        _mend(told, entry)
    elif entry.kind == "queued":
        _admit(told, entry)
    elif entry.kind == "coalesced":
        told.reruns[entry.pair] = entry.event_id
    elif entry.event_id in told.living:
        _move(told, entry)
    elif entry.kind in _STATUS and not entry.is_moved:
        told.impossible.append(
            f"record {entry.counter} ({entry.kind}) is of event {entry.event_id}, which is not alive"
        )


def _note_status(told: Folded, entry: Entry) -> None:
    """What the event's row must say; one that has ended stays ended."""
    if entry.is_moved or entry.mends:
        _doubt(told)
    if entry.kind in _STATUS and told.status.get(entry.event_id) not in _FINAL:
        told.status[entry.event_id] = _STATUS[entry.kind]
        told.last[entry.event_id] = entry.counter


def _doubt(told: Folded) -> None:
    """Redis is not where history was: where events stand in line is known again only when they are next told of.

    Newer signals that history had dealt with are forgotten without a word.
    """
    told.reruns.clear()
    told.line = dict.fromkeys(told.line, (0, _NEVER))
    told.joining |= dict.fromkeys(told.delayed, 0)


def _mend(told: Folded, entry: Entry) -> None:
    """The event stands as the record says; where it was and how often it was queued before counts no more."""
    _leave(told, entry.event_id)
    _keep(told, entry)
    told.counted[entry.event_id] = told.said[entry.event_id]
    is_at_the_back = "from_history" in entry.details
    told.line[entry.event_id] = (entry.counter, entry.counter) if is_at_the_back else (0, _NEVER)


def _admit(told: Folded, entry: Entry) -> None:
    same_pair = (event_id for event_id, body in told.living.items() if _pair(body) == entry.pair)
    twins = [event_id for event_id in same_pair if (event_id, entry.event_id) not in told.superseded]
    if twins and not entry.is_moved:
        told.twins.append(f"{entry.pair}: {entry.event_id} was queued (record {entry.counter}) while {twins[0]} lived")
    if told.reruns.get(entry.pair) == entry.event_id:
        del told.reruns[entry.pair]
    _keep(told, entry)
    told.counted.setdefault(entry.event_id, 1)
    told.line[entry.event_id] = (entry.counter, entry.counter)


def _move(told: Folded, entry: Entry) -> None:
    event_id, kind = entry.event_id, entry.kind
    if kind == "claimed":
        _claim(told, entry)
    elif kind in ("requeued", "recovered", "delayed", "parked"):
        _leave(told, event_id)
        told.counted[event_id] += kind in ("requeued", "recovered")
        _set_down(told, entry)
    elif kind in ENDS:
        _leave(told, event_id)
        del told.living[event_id]
        told.ends[event_id] += 1
        _hear(told, entry)
        return
    _keep(told, entry)


def _keep(told: Folded, entry: Entry) -> None:
    if entry.body is not None:
        told.living[entry.event_id] = entry.body
        _hear(told, entry)


def _hear(told: Folded, entry: Entry) -> None:
    """How often the event says it was queued; one in a Redis that had gone back does not know of what it lost."""
    if entry.body is not None:
        before = told.said.get(entry.event_id, 0) if entry.is_moved else 0
        told.said[entry.event_id] = max(before, entry.body["times_queued"])


def _leave(told: Folded, event_id: str) -> None:
    told.in_hand.discard(event_id)
    told.delayed.pop(event_id, None)
    told.parked.pop(event_id, None)
    told.line.pop(event_id, None)
    told.joining.pop(event_id, None)


def _set_down(told: Folded, entry: Entry) -> None:
    due = entry.details.get("next_attempt_ms")
    if due is not None:
        told.delayed[entry.event_id] = due
        if not told.clock_is_steady:
            told.joining[entry.event_id] = entry.counter
    elif entry.kind == "parked":
        told.parked[entry.event_id] = entry.at_ms
    else:
        told.line[entry.event_id] = (entry.counter, entry.counter)


def _claim(told: Folded, entry: Entry) -> None:
    _promote(told, entry)
    event_id = entry.event_id
    if not entry.is_moved and entry.details != _TELLS_A_PLACE:
        _check_turn(told, entry)
    _leave(told, event_id)
    told.in_hand.add(event_id)


def _check_turn(told: Folded, entry: Entry) -> None:
    event_id = entry.event_id
    earliest, _ = told.line.get(event_id) or (told.joining.get(event_id), 0)
    if earliest is None and not (event_id in told.delayed and not told.clock_is_steady):
        told.impossible.append(f"record {entry.counter}: {event_id} was claimed and did not wait in line")
    before = [other for other, (_, latest) in told.line.items() if latest < (earliest or 0)]
    if before:
        told.out_of_order.append(f"record {entry.counter}: {event_id} was claimed before {before[0]}")


def _promote(told: Folded, entry: Entry) -> None:
    """What may have joined the line with this claim, and what certainly has."""
    for event_id, due in tuple(told.delayed.items()):
        if due <= entry.at_ms + _SLACK_MS:
            told.joining.setdefault(event_id, entry.counter)
        if due <= entry.at_ms - _LATE_MS:
            latest = entry.counter if told.clock_is_steady else _NEVER
            told.line[event_id] = (told.joining.pop(event_id), latest)
            del told.delayed[event_id]


def _switch(told: Folded, entry: Entry) -> None:
    scope = str(entry.details["scope"])
    if entry.kind == "paused":
        told.pauses.add(scope)
        return
    told.pauses.discard(scope)
    for event_id, at in tuple(told.parked.items()):
        if not told.pauses & {"*", told.living[event_id]["account_id"]}:
            told.delayed[event_id] = told.parked.pop(event_id, at)


def _count(told: Folded, counter: int) -> None:
    aside = len(told.line) + len(told.delayed) + len(told.parked)
    retrying = sum(body["times_queued"] > 1 for body in told.living.values())
    told.counts[counter] = (aside, len(told.in_hand), len(told.living), retrying)


def _pair(body: Body) -> str:
    return f"{body['account_id']}:{body['exec_command']}"
