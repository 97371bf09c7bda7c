"""The goals P1 to P20 of the queue's design, and what was measured of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bench.contenders.__main__ import PEERS
from bench.depth import DEPTHS, PATHS, STEPS, growth
from bench.metrics import Figures

_LONG: Final = DEPTHS[-1]
_RECORDS_A_JOB: Final = 2
_TESTED: Final = "tests/integration/queue/test_command_counts.py"
_SERVICES_TESTED: Final = "tests/e2e/test_commands_sent.py"
_SLOW_TESTED: Final = "tests/integration/queue/test_slow_log.py"


class Verdict(StrEnum):
    """How a figure stands to its goal and its floor."""

    GOAL = "goal reached"
    FLOOR = "floor reached, goal not"
    MISSED = "missed"
    UNKNOWN = "not measured"


def _nothing(_figures: Figures) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Aim:
    """One figure to reach."""

    number: str
    what: str
    against: str
    floor: float
    goal: float
    measured: Callable[[Figures], float | None]
    unit: str = "x"
    at_most: bool = False
    """The figure shall be below the goal, not above."""
    alone: Callable[[Figures], float | None] = _nothing
    """The same without the event-broker beside it, where that makes a difference."""

    def verdict(self, value: float | None) -> Verdict:
        """Where a figure stands."""
        if value is None:
            return Verdict.UNKNOWN
        sign = -1 if self.at_most else 1
        if sign * value >= sign * self.goal:
            return Verdict.GOAL
        return Verdict.FLOOR if sign * value >= sign * self.floor else Verdict.MISSED


@dataclass(frozen=True, slots=True)
class Gate:
    """A goal that a test holds."""

    number: str
    what: str
    where: str


def _figure(name: str) -> Callable[[Figures], float | None]:
    return lambda figures: figures.median(name)


def _ratio(name: str, to: str) -> Callable[[Figures], float | None]:
    return lambda figures: figures.ratio(name, to)


def _worst_growth(names: Sequence[str]) -> Callable[[Figures], float | None]:
    """The largest growth of several steps."""

    def measured(figures: Figures) -> float | None:
        return max((known for name in names if (known := growth(figures, name)) is not None), default=None)

    return measured


def best_peer(figures: Figures, action: str) -> tuple[str, float] | None:
    """The peer with the highest figure."""
    known = [(name, value) for name in PEERS if (value := figures.median(f"everysec {name} {action}")) is not None]
    return max(known, key=lambda pair: pair[1]) if known else None


def _against_best(name: str, action: str) -> Callable[[Figures], float | None]:
    def measured(figures: Figures) -> float | None:
        ours, best = figures.median(name), best_peer(figures, action)
        return None if ours is None or best is None else ours / best[1]

    return measured


def _drain_headroom(figures: Figures) -> float | None:
    drained, job = figures.median("everysec drained a second"), figures.median("everysec product alone work 1 seconds")
    return None if drained is None or job is None else drained * job / _RECORDS_A_JOB


def _delete_cost(figures: Figures) -> float | None:
    return figures.ratio("delete", f"raw at {_LONG}")


_ENQUEUE: Final = "enqueue"
_WORK: Final = "work 1"
_HTTP: Final = tuple(f"GET {path}" for path in PATHS)


def _ours(number: str, what: str, against: str, floor: float, goal: float, action: str) -> Aim:
    """A rate of the product, alone too: as a share of a raw round trip, or as a multiple of a peer's."""

    def of(name: str) -> Callable[[Figures], float | None]:
        ours = f"everysec {name} {action}"
        match against:
            case "raw":
                return _figure(ours)
            case "best peer":
                return _against_best(ours, action)
            case _:
                return _ratio(ours, f"everysec {against} {action}")

    return Aim(number, what, against, floor, goal, of("product"), alone=of("product alone"))


def _start(number: str, share: str, peer: str, floor: float, goal: float) -> Aim:
    """How long a job waits for an idle worker, as a multiple of a peer's time."""

    def of(name: str) -> Callable[[Figures], float | None]:
        return _ratio(f"{name} latency {share}", f"{peer} latency {share}")

    what = f"start when idle, {share}"
    return Aim(number, what, peer, floor, goal, of("product"), at_most=True, alone=of("product alone"))


AIMS: Final = (
    _ours("P1", "enqueue with dedup and audit, one producer, audit draining", "raw", 0.33, 0.40, _ENQUEUE),
    _ours("P2", "the same", "saq", 0.80, 0.90, _ENQUEUE),
    _ours("P3", "the same", "naive", 1.0, 1.1, _ENQUEUE),
    Aim("P4", "enqueue, 50 at once", "raw", 1.0, 1.3, _figure("everysec product crowd")),
    _ours("P5", "worker, no-op command, one at a time, audit draining", "raw", 0.28, 0.38, _WORK),
    _ours("P6a", "the same", "saq", 3, 4, _WORK),
    _ours("P6b", "the same", "taskiq", 1.2, 1.6, _WORK),
    _ours("P6c", "the same", "rq", 25, 40, _WORK),
    _ours("P6d", "the same", "best peer", 1.2, 1.6, _WORK),
    Aim(
        "P7",
        "worker beside its drain",
        "alone",
        0.80,
        0.90,
        _ratio("everysec product work 1", "everysec product alone work 1"),
    ),
    Aim(
        "P8",
        "worker while PostgreSQL is away",
        "alone",
        0.95,
        1.0,
        _ratio("everysec product postgres away work 1", "everysec product alone work 1"),
    ),
    Aim("P9", "drain, records a second", "2 a job", 2, 3, _drain_headroom),
    Aim("P10", "enqueue, appendfsync always", "raw", 0.60, 0.70, _figure("always product enqueue")),
    _start("P11a", "p50", "naive", 2.0, 1.4),
    _start("P11b", "p99", "naive", 2.0, 1.5),
    _start("P12a", "p50", "saq", 1.0, 0.75),
    _start("P12b", "p99", "saq", 1.0, 0.8),
    Aim("P13", "worst step at 100 000 waiting", "at 10", 1.3, 1.1, _worst_growth(STEPS), at_most=True),
    Aim("P14", "delete from the middle of 100 000", "raw", 40, 25, _delete_cost, at_most=True),
    Aim("P15", "Redis, an event with its record", "-", 1228, 1024, _figure("bytes an event"), "B", at_most=True),
    Aim("P16", "Redis, an audit record", "-", 450, 370, _figure("bytes a record"), "B", at_most=True),
    Aim("P17", "worst request at 100 000 waiting, p50", "at 10", 1.2, 1.05, _worst_growth(_HTTP), at_most=True),
)
GATES: Final = (
    Gate(
        "P18",
        "one EVALSHA an enqueue and a job; at most one command a second when idle; no walk through keys",
        _SERVICES_TESTED,
    ),
    Gate(
        "P19", "commands inside each script are constant: enqueue 12, complete with the next claim 22 at most", _TESTED
    ),
    Gate("P20", "nothing in the slow log after 100 000 events waited", _SLOW_TESTED),
)
