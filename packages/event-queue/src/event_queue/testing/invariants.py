"""What must hold of a queue at any moment, checked against everything that Redis holds.

I1  every queued event is in exactly one of: waiting, delayed, in flight, ended.
I2  the places hold exactly the events that have bodies and ages, each once.
I3  active keys and living events correspond one to one.
I6  audit counters have no gap, and the audit folded from its start is the present state, byte for byte.
I7  times_queued is one more than the requeues and recoveries on record.
I10 exactly the events set aside without a due time are parked, each for an account whose trading is paused.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from event_queue.audit import SWITCH_KINDS, AuditKind
from event_queue.codec import decode_event
from event_queue.keys import QueueKeys
from event_queue.outcomes import EVERY_ACCOUNT
from event_queue.redis_admin import FAR_AHEAD_MS
from event_queue.testing.dump import dump_all

_ENDED = {AuditKind.COMPLETED, AuditKind.SKIPPED, AuditKind.DELETED}
_COUNTED = {AuditKind.REQUEUED, AuditKind.RECOVERED}
_PUT_ASIDE = {AuditKind.DELAYED, AuditKind.PARKED, AuditKind.RESTORED, AuditKind.RESYNCED}


class InvariantBroken(Exception):
    """The queue is in a state that it must never be in."""


async def check_with_history(client: Any, keys: QueueKeys, history: Sequence[Mapping[str, str]]) -> None:
    """Check I1, I2, I3, I6, I7 and I10 against every record that PostgreSQL holds, when the outbox is empty.

    Args:
        client: reads Redis.
        keys: of the queue.
        history: `n`, `kind` and `event` of every record, from the first one on.

    Raises:
        InvariantBroken: naming the invariant.
    """
    held = await dump_all(client)
    plain = {event_id: _plain(body) for event_id, body in held.get(keys.events, {}).items()}
    _check_places(held, keys, plain)
    _check_parked(held, keys)
    _check_active(held.get(keys.active, {}), plain)
    records = [{**record, "event": _plain(record["event"])} for record in history]
    _check_audit(records, {**held, keys.events: plain}, keys)


def _plain(body: str) -> str:
    """A body in one order of its fields, without the mark of what was recovered, which does not move an event."""
    event = json.loads(body)
    return json.dumps({**event, "recovered": False}, sort_keys=True) if event else body


async def check_invariants(client: Any, keys: QueueKeys) -> None:
    """Check I1, I2, I3, I6, I7 and I10 on a queue whose outbox was never trimmed and to which nothing else writes.

    Raises:
        InvariantBroken: naming the invariant.
    """
    held = await dump_all(client)
    bodies: dict[str, str] = held.get(keys.events, {})
    _check_places(held, keys, bodies)
    _check_parked(held, keys)
    _check_active(held.get(keys.active, {}), bodies)
    _check_audit([fields for _, fields in held.get(keys.outbox, [])], held, keys)


def _check_places(held: dict[str, Any], keys: QueueKeys, bodies: dict[str, str]) -> None:
    places: list[str] = [
        *held.get(keys.queue, []),
        *(member for member, _ in held.get(keys.delayed, [])),
        *held.get(keys.in_flight, {}).values(),
    ]
    _same("I2: places and bodies", Counter(places), Counter(list(bodies)))
    _same("I2: ages and bodies", {member for member, _ in held.get(keys.ages, [])}, set(bodies))
    retrying = {event_id for event_id, body in bodies.items() if decode_event(body).times_queued > 1}
    _same("I2: retrying and bodies", set(held.get(keys.retrying, set())), retrying)
    _same("I2: recoveries of ended events", set(held.get(keys.recoveries, {})) - set(bodies), set[str]())
    _same(
        "I3: newer signals without a twin", set(held.get(keys.reruns, {})) - set(held.get(keys.active, {})), set[str]()
    )


def _check_parked(held: dict[str, Any], keys: QueueKeys) -> None:
    parked: dict[str, str] = held.get(keys.parked, {})
    without_due_time = {member for member, due in held.get(keys.delayed, []) if due >= FAR_AHEAD_MS}
    _same("I10: parked events and those without a due time", set(parked), without_due_time)
    pauses = set(held.get(keys.paused, {}))
    if EVERY_ACCOUNT not in pauses:
        _same("I10: parked events of accounts that may trade", set(parked.values()) - pauses, set[str]())


def _check_active(active: dict[str, str], bodies: dict[str, str]) -> None:
    expected = [(decode_event(body).dedup_key, event_id) for event_id, body in bodies.items()]
    _same("I3: active keys and bodies", sorted(active.items()), sorted(expected))


def _check_audit(records: Sequence[dict[str, str]], held: dict[str, Any], keys: QueueKeys) -> None:
    _same("I6: counters", [int(record["n"]) for record in records], list(range(1, len(records) + 1)))
    _same("I6: the last counter", int(held.get(keys.counter, "0")), len(records))
    records = [record for record in records if record["kind"] not in SWITCH_KINDS]
    _same("I1, I6: living events", _living(records), held.get(keys.events, {}))
    _same("I6: in flight", _in_flight(records), set(held.get(keys.in_flight, {}).values()))
    _same("I7: times queued", *_times_queued(records))


def _living(records: Sequence[dict[str, str]]) -> dict[str, str]:
    """Event id -> body, as the audit tells it."""
    living: dict[str, str] = {}
    for record in records:
        kind, event_id = _what(record)
        if kind in _ENDED:
            living.pop(event_id)
        elif kind is AuditKind.QUEUED or event_id in living:
            living[event_id] = record["event"]
    return living


def _in_flight(records: Sequence[dict[str, str]]) -> set[str]:
    in_hand: set[str] = set()
    for record in records:
        kind, event_id = _what(record)
        if kind is AuditKind.CLAIMED:
            in_hand.add(event_id)
        elif kind in _ENDED | _COUNTED | _PUT_ASIDE:
            in_hand.discard(event_id)
    return in_hand


def _times_queued(records: Sequence[dict[str, str]]) -> tuple[dict[str, int], dict[str, int]]:
    """Times queued per event: as its latest record says, and as counted from the records."""
    said: dict[str, int] = {}
    counted: dict[str, int] = {}
    for record in records:
        kind, event_id = _what(record)
        said[event_id] = decode_event(record["event"]).times_queued
        counted[event_id] = counted.get(event_id, 1) + (kind in _COUNTED)
    return said, counted


def _what(record: dict[str, str]) -> tuple[AuditKind, str]:
    return AuditKind(record["kind"]), str(decode_event(record["event"]).event_id)


def _same(what: str, one: object, other: object) -> None:
    if one != other:
        raise InvariantBroken(f"{what} differ: {one} and {other}")
