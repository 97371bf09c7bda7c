"""docs/benchmarks.md, from what was measured."""

from collections.abc import Mapping, Sequence
from typing import Final

from bench.contenders.__main__ import PEERS
from bench.counting import CommandCount
from bench.depth import DEPTHS, PATHS, STEPS, growth
from bench.goals import AIMS, GATES, Aim
from bench.machine import Machine
from bench.metrics import Figures
from bench.plot import shown
from bench.rebalance import RebalanceSpeed
from bench.rebalance_page import rebalance_section

_UNIQUE: Final = {"product", "saq", "arq", "rq", "procrastinate"}
_NAMES: Final = {
    "product": "**rebalancer**",
    "product alone": "rebalancer alone",
    "naive": "naive: SISMEMBER, LPUSH, BRPOP",
}
_ADVERB: Final = {"everysec": "each second", "always": "before each reply"}
_OPENING: Final = """\
# Benchmarks

What the queue costs beside seven others, in one run on the same Redis and PostgreSQL: `make bench` measures anew and
rewrites this page and its picture; `python -m bench --help` tells how to measure parts.

Rates are shares of a raw round trip: one redis-py asyncio `SET` of 100 bytes after another, on a connection of a plain
client, measured right before and after what it is compared with. Shares carry over to other machines; microseconds
are for orientation. Contenders take turns within each round; shown are medians, and where there is room the range.
"""
_FAIR: Final = """
- Every contender runs its own worker in a process of its own, with its recommended settings for jobs that must not be
  lost, and unique jobs where it has them (celery: `acks_late`; taskiq: a stream; rq: a fork for each job). The job
  notes its start and does nothing else. All that use redis-py use the version of this project, with hiredis.
- The rebalancer is the whole `event-processor` process, wired as in production, with a command that does nothing in
  place of a rebalance; and the whole `event-broker` beside it, which carries the audit into PostgreSQL meanwhile. It
  logs at WARNING like the others here; with its two lines of log for each event, as shipped, it has a row of its own.
  So has the rebalancer alone, without the event-broker: none of the others carries an audit anywhere.
- PostgreSQL runs without fsync, which speeds up procrastinate, and the drain that nobody waits for.
"""


def render(
    machine: Machine,
    figures: Figures,
    counts: Sequence[CommandCount],
    speeds: Mapping[str, RebalanceSpeed],
    *,
    rounds: int,
) -> str:
    """The whole page; what was not measured is left out, or said to be."""
    parts = [
        _OPENING,
        f"Measured on {machine}; {rounds} rounds.\n",
        "![Rates as a share of a raw Redis round trip](benchmarks.svg)",
        _FAIR,
        *(_contest(figures, policy) for policy in ("everysec", "always")),
        _waits(figures),
        _depths(figures),
        _goals(figures),
        _commands(counts),
        rebalance_section(speeds) if speeds else "",
    ]
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _contest(figures: Figures, policy: str) -> str:
    rows = [(_name(name), name) for name in ("product", "naive", *PEERS)]
    rows[1:1] = [("rebalancer alone", "product alone"), ("rebalancer, logging at INFO", "product logging")]
    told = [_contest_row(figures, policy, label, name) for label, name in rows]
    body = "\n".join(row for row in told if row)
    if not body:
        return ""
    return (
        f"## Rates, appendfsync {policy}\n\nRedis writes its log to disk {_ADVERB[policy]}.\n\n"
        "| contender | unique jobs | queueing | range | one at a time | range | ten at a time | range |\n"
        f"|---|---|---:|---:|---:|---:|---:|---:|\n{body}\n"
    )


def _contest_row(figures: Figures, policy: str, label: str, name: str) -> str:
    spreads = [figures.get(f"{policy} {name} {action}") for action in ("enqueue", "work 1", "work 10")]
    if not any(spreads):
        return ""
    unique = "yes" if name.split(maxsplit=1)[0] in _UNIQUE else "no"
    cells = [
        cell
        for spread in spreads
        for cell in (
            ("", "") if spread is None else (shown(spread.median), f"{shown(spread.lowest)} to {shown(spread.highest)}")
        )
    ]
    return f"| {label} | {unique} | {' | '.join(cells)} |"


def _waits(figures: Figures) -> str:
    names = ("product", "product alone", "naive", *PEERS)
    rows = "\n".join(row for name in names if (row := _wait_row(figures, name)))
    if not rows:
        return ""
    return f"""\
## Waiting

From queueing a job to its start by an idle worker; and from `kill -9` of a worker with a running job to that job being
in work again under a worker started at once, the start of its process included.

| contender | start, p50, ms | p99, ms | again after kill -9, s |
|---|---:|---:|---:|
{rows}
"""


def _wait_row(figures: Figures, name: str) -> str:
    middle, late = figures.median(f"{name} latency p50"), figures.median(f"{name} latency p99")
    again, waited = figures.median(f"{name} restart"), figures.median(f"{name} restart waited")
    if middle is None and waited is None:
        return ""
    in_work = "never: lost" if name == "naive" else "" if waited is None else f"not within {waited:.0f} s"
    return f"| {_name(name)} | {_ms(middle)} | {_ms(late)} | {in_work if again is None else f'{again:.1f}'} |"


def _depths(figures: Figures) -> str:
    names = [name for name in (*STEPS, *(f"GET {path}" for path in PATHS)) if figures.get(f"{name} at {DEPTHS[0]}")]
    if not names:
        return ""
    head = " | ".join(f"{depth} waiting, µs" for depth in DEPTHS)
    body = "\n".join(_depth_row(figures, name) for name in names)
    delete = figures.get("delete")
    deleted = "" if delete is None else f"\nDeleting by id from the middle of 100 000 takes {delete.median:.0f} µs.\n"
    return f"""\
## By length of the queue

Nothing but deleting, which looks through the list, and listing, which shows as many as are asked for (here 10), may
grow with the queue. The last column compares multiples of the raw round trip that was measured at the same length.

| step | {head} | last to first |
|---|{"---:|" * (len(DEPTHS) + 1)}
{body}
{deleted}"""


def _depth_row(figures: Figures, name: str) -> str:
    medians = [figures.median(f"{name} at {depth}") for depth in DEPTHS]
    grown = growth(figures, name)
    cells = " | ".join("" if value is None else f"{value:.0f}" for value in medians)
    return f"| {name} | {cells} | {'' if grown is None else f'{grown:.2f}'} |"


def _goals(figures: Figures) -> str:
    rows = "\n".join(_goal_row(aim, figures) for aim in AIMS)
    gates = "\n".join(
        f"| {gate.number} | {gate.what} | | | | | held by [a test](../{gate.where}) | |" for gate in GATES
    )
    return f"""\
## Goals

`≥` and `≤` tell which way is better; the floor is what must hold, the goal what was aimed at. The last column is the
same without the event-broker, whose share of the core P7 tells.

| | what | against | floor | goal | measured | verdict | alone |
|---|---|---|---:|---:|---:|---|---|
{rows}
{gates}
"""


def _goal_row(aim: Aim, figures: Figures) -> str:
    sign = "≤" if aim.at_most else "≥"
    value, value_alone = aim.measured(figures), aim.alone(figures)
    measured = "" if value is None else _amount(value, aim.unit)
    alone = "" if value_alone is None else f"{_amount(value_alone, aim.unit)}, {aim.verdict(value_alone)}"
    floor, goal = (f"{sign} {_amount(amount, aim.unit)}" for amount in (aim.floor, aim.goal))
    told = (aim.number, aim.what, aim.against, floor, goal, measured, aim.verdict(value), alone)
    return f"| {' | '.join(told)} |"


def _amount(value: float, unit: str) -> str:
    return f"{value:.0f} B" if unit == "B" else f"{value:.2f}"


def _commands(counts: Sequence[CommandCount]) -> str:
    if not counts:
        return ""
    rows = "\n".join(f"| {count.transition} | {count.round_trips} | {count.inside_the_script} |" for count in counts)
    return f"""\
## Commands a transition

Every transition is one script, sent in one round trip. The commands inside it do not grow with the queue.

| transition | round trips | commands in the script |
|---|---:|---:|
{rows}
"""


def _name(name: str) -> str:
    return _NAMES.get(name, name)


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
