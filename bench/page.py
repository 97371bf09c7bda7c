"""docs/benchmarks.md, from what was measured."""

from collections.abc import Mapping, Sequence

from bench.counting import CommandCount
from bench.machine import Machine
from bench.ratios import MICROSECONDS, Figure
from bench.rebalance import FILL_MS, FILLS_IN_CHAIN, MOST, REPLY_MS, SYMBOLS, RebalanceSpeed

_OPENING = """\
# Benchmarks

What the queue costs, as a multiple of one raw Redis round trip (a redis-py asyncio `SET` of 100 bytes) measured in the
same round of the same run. Ratios carry over to other machines; the microseconds are only for orientation.

`make bench` measures anew and rewrites this page. Everything runs on real servers of the benchmark's own: Redis with
`appendonly yes` under both settings of `appendfsync`, and PostgreSQL (without fsync: nobody waits for the relay).
The relay is measured in the worker's own event loop, which in the deployed system it does not share.
Measurements are interleaved: each runs once a round. Shown are the median over the rounds and the range of the ratios.
"""
_COUNTS = """\
## Commands a transition

Every transition is one script, sent in one round trip. The commands inside it do not grow with the queue.

| transition | round trips | commands in the script |
|---|---:|---:|"""


_REBALANCE = f"""
## A rebalance of {len(SYMBOLS)} symbols

Against a simulated gateway with {REPLY_MS} ms a reply and {FILL_MS} ms a fill. The longest chain is the replies that
were waited for one after another, and {FILLS_IN_CHAIN} fills (sells, then buys); {MOST} times that is the aim. The
connector paces itself to stay below the gateway's limit of messages a second; that wait is in the seconds.

| rebalance | dependent replies | longest chain, s | took, s | ratio |
|---|---:|---:|---:|---:|"""


def render(
    machine: Machine,
    rounds: int,
    tables: Mapping[str, Sequence[Figure]],
    counts: Sequence[CommandCount],
    speeds: Mapping[str, RebalanceSpeed],
) -> str:
    """The whole page."""
    parts = [_OPENING, f"Measured on {machine}; {rounds} rounds.\n"]
    for title, figures in tables.items():
        rows = "\n".join(_row(figure) for figure in figures)
        parts.append(f"## {title}\n\n| operation | µs | ratio | range |\n|---|---:|---:|---:|\n{rows}\n")
    counted = [f"| {count.transition} | {count.round_trips} | {count.inside_the_script} |" for count in counts]
    timed = [_speed_row(name, speed) for name, speed in speeds.items()]
    return "\n".join([*parts, _COUNTS, *counted, _REBALANCE, *timed]) + "\n"


def _speed_row(name: str, speed: RebalanceSpeed) -> str:
    return f"| {name} | {speed.steps} | {speed.chain:.2f} | {speed.slow:.2f} | {speed.ratio:.2f} |"


def _row(figure: Figure) -> str:
    spread = f"{figure.lowest_ratio:.2f} to {figure.highest_ratio:.2f}"
    return f"| {figure.name} | {figure.median_seconds * MICROSECONDS:.0f} | {figure.median_ratio:.2f} | {spread} |"
