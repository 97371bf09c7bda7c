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
