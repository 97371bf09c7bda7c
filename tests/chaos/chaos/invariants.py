"""What must hold of the product at rest, whatever was done to it. One function for each invariant.

I1  every accepted signal is in exactly one place: waiting, delayed, in flight, ended; and none is taken in twice.
I2  an event is in exactly one place, and the places hold exactly the events that exist.
I3  there is at most one living event for an account and command, and its active key names it.
I4  claims follow the order in which events joined the line.
I5  the brokerage sees no order twice, none of a worker whose time had passed, and the accounts end at their targets.
I6  the audit has no gap and no repetition, PostgreSQL has all of it, and it tells the present state of Redis.
I7  times_queued is one more than the requeues and recoveries on record.
I8  when the faults have ended everything comes to rest: nothing waits, no account is blocked, nothing is left to carry.
I9  the counters that operators see were true at some instant between question and answer.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chaos.fold import Folded, fold
from chaos.observation import INTAKE, Entry, Observation, Order

_CLOCK_SLACK_MS = 20.0
_OPEN_TRANSITIONS = ("requeued", "recovered", "completed", "skipped", "delayed", "parked")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must never be."""

    invariant: str
    words: str


def check(seen: Observation) -> list[Finding]:
    """All findings; none is the result to hope for."""
    entries = sorted((*seen.tables.entries, *seen.books.outbox), key=lambda entry: entry.counter)
    told = fold(_without_repeats(entries), clock_is_steady=seen.clock_is_steady)
    checks = {
        "I1": (*signals_once(seen, entries), *ends_once(seen, told)),
        "I2": one_place(seen),
        "I3": (*active_is_living(seen), *told.twins),
        "I4": told.out_of_order,
        "I5": (
            *orders_once(seen, entries),
            *orders_in_time(seen, entries),
            *none_beside_a_successor(seen),
            *none_while_halted(seen, entries),
            *positions(seen),
        ),
        "I6": (*audit_is_whole(seen), *audit_is_true(seen, told)),
        "I7": times_queued(seen, told),
        "I8": at_rest(seen),
        "I9": glances_are_true(seen, told),
    }
    found = [Finding(name, words) for name, all_words in checks.items() for words in all_words]
    return [*found, *(Finding(name, words) for name, words in seen.remarks)]


def signals_once(seen: Observation, entries: Sequence[Entry]) -> Iterator[str]:
    """I1: each signal has exactly one record of its intake, and the one that its sender was told of."""
    records: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry.kind in INTAKE and entry.body is not None and "follows" not in entry.details:
            records.setdefault(entry.body["data"].get("n", -1), []).append(entry)
    for signal in seen.signals:
        kinds = [entry.kind for entry in _told_once(records.get(signal.number, []))]
        if len(kinds) > 1 and not signal.is_in_doubt:
            yield f"signal {signal.number} for {signal.account} was taken in {len(kinds)} times: {kinds}"
        if not kinds and signal.answer in ("queued", "remembered", "duplicate", "seen") and not seen.losses:
            yield f"signal {signal.number} for {signal.account} was answered {signal.answer!r} and is nowhere"
        if kinds and signal.answer == "refused":
            yield f"signal {signal.number} for {signal.account} was refused, and taken in all the same"


def _told_once(records: Sequence[Entry]) -> Iterator[Entry]:
    """Without the refusals of events that a lost Redis had taken in, and that were offered again for want of an answer.

    Until the loss is noticed it knows no better, and the twin that it names stands for both.
    """
    taken_in = {entry.event_id for entry in records if entry.kind == "queued"}
    for entry in records:
        if not (entry.kind == "duplicate" and entry.is_moved and entry.event_id in taken_in):
            yield entry


def ends_once(seen: Observation, told: Folded) -> Iterator[str]:
    """I1: an event that the audit has ended is ended once; one that lives is found in Redis."""
    for event_id, count in told.ends.items():
        if count > 1 or event_id in told.living:
            yield f"event {event_id} ended {count} times" + (" and lives" if event_id in told.living else "")
    for event_id in sorted(told.living.keys() - seen.books.events.keys()):
        yield f"event {event_id} was accepted, has not ended, and is gone from Redis"


def one_place(seen: Observation) -> Iterator[str]:
    """I2."""
    books = seen.books
    places = Counter([*books.line, *books.delayed, *books.in_flight.values()])
    yield from _differences("places", set(places), "bodies", set(books.events))
    yield from _differences("ages", set(books.ages), "bodies", set(books.events))
    yield from (f"event {event_id} is in {count} places" for event_id, count in places.items() if count > 1)
    retrying = {event_id for event_id, body in books.events.items() if body["times_queued"] > 1}
    yield from _differences("retrying", set(books.retrying), "events queued more than once", retrying)
    ended = books.recoveries.keys() - books.events
    yield from (f"{event_id} has ended and is counted as recovered" for event_id in ended)


def active_is_living(seen: Observation) -> Iterator[str]:
    """I3."""
    expected = {f"{body['account_id']}:{body['exec_command']}": key for key, body in seen.books.events.items()}
    for pair in sorted({*expected, *seen.books.active}):
        named, living = seen.books.active.get(pair), expected.get(pair)
        if named != living:
            yield f"{pair}: the active key names {named}, the living event is {living}"
    if len(expected) < len(seen.books.events):
        yield "two events of one account and command live"


def orders_once(seen: Observation, entries: Sequence[Entry]) -> Iterator[str]:
    """I5: no orderRef twice, and no order under a lease older than one that has traded since Redis last lost any."""
    orders = _on_record(seen, entries)
    yield from (f"order {ref} arrived {n} times" for ref, n in Counter(order.ref for order in orders).items() if n > 1)
    highest = 0
    for order in sorted(_since_the_last_loss(seen), key=lambda each: each.at_ms):
        if order.fence is not None and order.fence < highest:
            yield f"order {order.ref} was sent under lease {order.fence} after one under lease {highest}"
        highest = max(highest, order.fence or 0)


def orders_in_time(seen: Observation, entries: Sequence[Entry]) -> Iterator[str]:
    """I5: an order of an attempt arrives before the audit ends that attempt, and was intended by it."""
    orders = _since_the_last_loss(seen)
    ended: dict[tuple[str, int], Entry] = {}
    for entry in entries:
        if entry.kind in _OPEN_TRANSITIONS and entry.body is not None:
            counted_on = entry.kind in ("requeued", "recovered")
            ended[entry.event_id, entry.body["times_queued"] - counted_on] = entry
    intended = {entry.details.get("order_ref") for entry in entries if entry.kind == "order_intent"}
    for order in orders:
        event_id, attempt, *_ = order.ref.split(":")
        end = ended.get((event_id, int(attempt)))
        if end is not None and order.at_ms > end.at_ms + _CLOCK_SLACK_MS:
            late = order.at_ms - end.at_ms
            yield f"order {order.ref} arrived {late:.0f} ms after its attempt was {end.kind} (record {end.counter})"
        if order.ref not in intended:
            yield f"order {order.ref} was sent without being written down"


def none_beside_a_successor(seen: Observation) -> Iterator[str]:
    """I5: whoever still counts on a lease that Redis lost sends nothing once anybody sends under one granted since."""
    for loss in seen.losses:
        first = min((order.at_ms for order in seen.orders if order.granted_ms > loss), default=float("inf"))
        for order in seen.orders:
            if order.granted_ms <= loss and order.at_ms > first:
                late = order.at_ms - first
                yield f"order {order.ref} came {late:.0f} ms after one under a lease that was granted since"


def none_while_halted(seen: Observation, entries: Sequence[Entry]) -> Iterator[str]:
    """I5: nothing is claimed and no order meant while trading is halted, by Redis's own clock."""
    for entry in entries:
        if entry.kind in ("claimed", "order_intent") and entry.details.get("reason") != "restored from history":
            for first, last in seen.halts:
                if first < entry.at_ms < last:
                    yield f"record {entry.counter} ({entry.kind}) was written while trading was halted"


def _on_record(seen: Observation, entries: Sequence[Entry]) -> Sequence[Order]:
    """The orders that anybody can know of: not those that were meant in a past that was lost untold.

    Whoever meant one then may send it after the loss, for as long as its lease lasts and nobody else works.
    """
    if not seen.losses:
        return seen.orders
    meant = dict[str, int]()
    for entry in entries:
        if entry.kind == "order_intent":
            ref = entry.details["order_ref"]
            meant[ref] = min(entry.at_ms, meant.get(ref, entry.at_ms))
    last = max(seen.losses)
    return [
        order
        for order in seen.orders
        if order.granted_ms > last or meant.get(order.ref, last) <= order.at_ms + _CLOCK_SLACK_MS
    ]


def _since_the_last_loss(seen: Observation) -> Sequence[Order]:
    last = max(seen.losses, default=0)
    return [order for order in seen.orders if order.granted_ms > last]


def positions(seen: Observation) -> Iterator[str]:
    """I5: what the accounts hold."""
    yield from (f"{account}: {words}" for account, words in seen.wrong_positions.items())


def audit_is_whole(seen: Observation) -> Iterator[str]:
    """I6: counters from 1 to the last without gap or repetition; the cursor stands at the last one stored."""
    counters = [entry.counter for entry in seen.tables.entries]
    waiting = [entry.counter for entry in seen.books.outbox]
    missing = set(range(1, seen.books.counter + 1)) - {*counters, *waiting}
    if missing:
        yield f"{len(missing)} records are missing, the first is {min(missing)} of {seen.books.counter}"
    if len(set(counters)) < len(counters):
        yield "a counter is stored twice"
    if any(counter > seen.books.counter for counter in (*counters, *waiting)):
        yield f"there are records after the last counter {seen.books.counter}"
    if seen.tables.cursor != max(counters, default=0):
        yield f"the cursor stands at {seen.tables.cursor}, the last record stored is {max(counters, default=0)}"


def audit_is_true(seen: Observation, told: Folded) -> Iterator[str]:
    """I6: the audit folded from its start is what Redis and the rows of PostgreSQL say."""
    books = seen.books
    yield from told.impossible
    for event_id in sorted(told.living.keys() & books.events.keys()):
        if told.living[event_id] != books.events[event_id]:
            yield f"event {event_id} is {books.events[event_id]} in Redis, {told.living[event_id]} by the audit"
    yield from (f"event {event_id} is in Redis, not in the audit" for event_id in books.events.keys() - told.living)
    yield from _differences("in flight", set(books.in_flight.values()), "in hand by the audit", told.in_hand)
    yield from _differences("newer signals", set(books.reruns), "by the audit", set(told.reruns))
    stored = {entry.counter for entry in seen.tables.entries}
    rows = {row.event_id: row for row in seen.tables.rows}
    for event_id, last in told.last.items():
        row = rows.get(event_id)
        if last in stored and not seen.tables.quarantined and (row is None or row.status != told.status[event_id]):
            yield f"the row of {event_id} says {row and row.status}, its history {told.status[event_id]}"


def times_queued(seen: Observation, told: Folded) -> Iterator[str]:
    """I7; a worker knows of attempts whose records Redis has lost, and counts them all the same: never fewer."""
    for event_id, said in told.said.items():
        counted = told.counted[event_id]
        if said < counted or (said > counted and not seen.losses):
            yield f"event {event_id} says {said}, its records count {counted}"


def at_rest(seen: Observation) -> Iterator[str]:
    """I8."""
    left = seen.books.events.keys() - seen.kept
    if left or not seen.is_quiet:
        states = (
            f"{len(seen.books.line)} wait, {len(seen.books.delayed)} delayed, {len(seen.books.in_flight)} in flight"
        )
        yield f"not at rest: {len(left)} events live ({states}), {len(seen.books.outbox)} records wait"
    if seen.books.halt:
        yield f"trading is halted still: {seen.books.halt}"


def glances_are_true(seen: Observation, told: Folded) -> Iterator[str]:
    """I9."""
    for glance in seen.glances:
        active = -1 if seen.has_stray_keys else glance.active
        shown = (glance.aside, glance.processing, active, glance.retrying)
        true = {told.counts[at] for at in range(glance.after, glance.until + 1) if at in told.counts}
        if seen.has_stray_keys:
            true = {(aside, processing, -1, retrying) for aside, processing, _, retrying in true}
        if true and shown not in true:
            yield f"between records {glance.after} and {glance.until} the status was {shown}, true were {sorted(true)}"


def _without_repeats(entries: Sequence[Entry]) -> list[Entry]:
    return list({entry.counter: entry for entry in reversed(entries)}.values())[::-1]


def _differences(one_name: str, one: set[str], other_name: str, other: set[str]) -> Iterator[str]:
    if one - other:
        yield f"{one_name} without {other_name}: {sorted(one - other)[:3]}"
    if other - one:
        yield f"{other_name} without {one_name}: {sorted(other - one)[:3]}"
