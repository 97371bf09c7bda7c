"""The checks themselves: a sound story passes, and each lie in it is named by the invariant that it breaks."""

from dataclasses import replace
from typing import Any

import pytest

from chaos.invariants import check
from chaos.observation import Books, Entry, Glance, Observation, Order, Row, Signal, Tables


def entry(counter: int, kind: str, *, event_id: str = "e1", times: int = 1, **details: Any) -> Entry:
    body = {
        "event_id": event_id,
        "account_id": "DU1",
        "exec_command": "rebalance",
        "times_queued": times,
        "data": {"n": int(event_id[1:])},
    }
    return Entry(counter, f"{1000 * counter}-0", kind, body, details)


STORY = (
    entry(1, "queued"),
    entry(2, "claimed"),
    entry(3, "order_intent", order_ref="e1:1:SELL:AAA"),
    entry(4, "recovered", times=2),
    entry(5, "claimed", times=2),
    entry(6, "completed", times=2),
)
SOUND = Observation(
    books=Books(counter=6),
    tables=Tables(entries=STORY, rows=[Row("e1", "completed", 2, 6)], cursor=6),
    signals=[Signal(1, "DU1", "rebalance", "queued")],
    orders=[Order("e1:1:SELL:AAA", "DU1", 3001.0, 1)],
    glances=[Glance(after=1, until=2, aside=0, processing=1, active=1, retrying=0)],
)


def tables(*entries: Entry, status: str = "completed") -> Tables:
    return Tables(entries=entries, rows=[Row("e1", status, 2, 6)], cursor=len(entries))


def test_a_sound_story_passes() -> None:
    """Nothing is found where nothing is wrong."""
    assert check(SOUND) == []


def test_an_event_may_come_back_behind_the_newer_one_that_supersedes_it() -> None:
    """What a mending brings back and ends at once never lived in Redis beside the other."""
    story = (
        STORY[0],
        entry(2, "queued", event_id="e2"),
        entry(3, "restored", from_history=True),
        entry(4, "deleted", superseded_by="e2"),
        entry(5, "claimed", event_id="e2"),
        entry(6, "completed", event_id="e2"),
    )
    rows = [Row("e1", "deleted", 1, 4), Row("e2", "completed", 1, 6)]
    seen = Observation(books=Books(counter=6), tables=Tables(entries=story, rows=rows, cursor=6))

    assert check(seen) == []


LIES = {
    "I1 lost": replace(SOUND, signals=[*SOUND.signals, Signal(2, "DU2", "rebalance", "queued")]),
    "I1 twice": replace(
        SOUND, tables=tables(*STORY, entry(7, "duplicate"), entry(8, "duplicate")), books=Books(counter=8)
    ),
    "I2": replace(SOUND, books=Books(counter=6, line=["e9"])),
    "I3 dangling": replace(SOUND, books=Books(counter=6, active={"DU1:rebalance": "e9"})),
    "I3 twins": replace(
        SOUND,
        tables=tables(STORY[0], entry(2, "queued", event_id="e2"), *STORY[1:]),
        signals=[],
    ),
    "I4": replace(
        SOUND,
        tables=tables(entry(1, "queued"), entry(2, "queued", event_id="e2"), entry(3, "claimed", event_id="e2")),
        signals=[],
    ),
    "I5 twice": replace(SOUND, orders=[*SOUND.orders, *SOUND.orders]),
    "I5 late": replace(SOUND, orders=[Order("e1:1:SELL:AAA", "DU1", 4500.0, 1)]),
    "I5 lease": replace(SOUND, orders=[Order("x:9:a:b", "DU1", 1.0, 2), *SOUND.orders]),
    "I5 positions": replace(SOUND, wrong_positions={"DU1": "holds nothing"}),
    "I6 gap": replace(SOUND, books=Books(counter=7)),
    "I6 row": replace(SOUND, tables=tables(*STORY, status="processing")),
    "I7": replace(SOUND, tables=tables(*STORY[:5], entry(6, "completed", times=3))),
    "I8": replace(SOUND, is_quiet=False),
    "I9": replace(SOUND, glances=[Glance(after=1, until=1, aside=3, processing=0, active=3, retrying=0)]),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_named(lie: str) -> None:
    """The invariant that the story breaks is among the findings."""
    assert lie.partition(" ")[0] in {finding.invariant for finding in check(LIES[lie])}


def moved(story: Entry, at_ms: int) -> Entry:
    return replace(story, moved_from_ms=at_ms)


AFTER_A_LOSS = replace(
    SOUND,
    tables=tables(
        *STORY,
        moved(entry(7, "claimed", times=2), 5500),
        moved(entry(8, "queued", event_id="e2"), 5600),
        entry(9, "resynced", times=2, ended_as="completed"),
        entry(10, "claimed", event_id="e2"),
        entry(11, "completed", event_id="e2"),
    ),
    books=Books(counter=11),
    signals=[*SOUND.signals, Signal(2, "DU1", "rebalance", "queued")],
    losses=[5400.0],
    halts=[(5700.0, 8900.0)],
    glances=[],
)
"""Redis forgot that e1 had ended, worked on it again and took e2 in; then history won."""


def test_a_redis_that_follows_history_again_is_sound() -> None:
    """What it did while it was behind contradicts history, and is made good by what comes after it."""
    rows = [*SOUND.tables.rows, Row("e2", "completed", 1, 11)]

    assert check(replace(AFTER_A_LOSS, tables=replace(AFTER_A_LOSS.tables, rows=rows))) == []


REFUSED = (
    STORY[0],
    moved(entry(2, "queued", event_id="e2"), 1500),
    moved(entry(3, "duplicate"), 1600),
    entry(4, "restored", from_history=True),
    entry(5, "deleted", superseded_by="e2"),
    entry(6, "claimed", event_id="e2"),
    entry(7, "completed", event_id="e2"),
)
AFTER_A_REFUSAL = Observation(
    books=Books(counter=7),
    tables=Tables(entries=REFUSED, rows=[Row("e1", "deleted", 1, 5), Row("e2", "completed", 1, 7)], cursor=7),
    signals=[Signal(1, "DU1", "rebalance", "duplicate"), Signal(2, "DU1", "rebalance", "queued")],
    losses=[1400.0],
)
"""Redis took e1 in and forgot it before its sender heard of it; it took e2 in, and refused e1 when offered again."""


def test_an_event_that_was_lost_may_be_refused_when_it_is_offered_again() -> None:
    """Its twin stands for both until the loss is noticed, and history tells its end."""
    assert check(AFTER_A_REFUSAL) == []


LIES_OF_A_LOSS = {
    "I1": replace(AFTER_A_LOSS, tables=tables(*AFTER_A_LOSS.tables.entries, entry(12, "queued", event_id="e2"))),
    "I1 refused": replace(
        AFTER_A_REFUSAL,
        tables=replace(AFTER_A_REFUSAL.tables, entries=[*REFUSED[:2], entry(3, "duplicate"), *REFUSED[3:]]),
    ),
    "I1 left": replace(AFTER_A_REFUSAL, tables=replace(AFTER_A_REFUSAL.tables, entries=[*REFUSED[:3], *REFUSED[5:]])),
    "I5": replace(AFTER_A_LOSS, halts=[(5700.0, 10500.0)]),
    "I5 twice": replace(AFTER_A_LOSS, orders=[*SOUND.orders, Order("e1:1:SELL:AAA", "DU1", 9000.0, 1)]),
    "I6": replace(AFTER_A_LOSS, tables=tables(*STORY, *(replace(each, moved_from_ms=None) for each in STORY[1:2]))),
    "I8": replace(AFTER_A_LOSS, books=Books(counter=11, halt="halted 6 6 Redis went back in time")),
}


@pytest.mark.parametrize("lie", LIES_OF_A_LOSS)
def test_a_lie_about_a_loss_is_named(lie: str) -> None:
    """A loss excuses nothing else."""
    assert lie.partition(" ")[0] in {finding.invariant for finding in check(LIES_OF_A_LOSS[lie])}
