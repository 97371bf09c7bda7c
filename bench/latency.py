"""How long a job that meets an idle worker waits for its start, and how long one waits whose worker was killed."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from time import monotonic
from typing import Any, Final

from bench.contenders.contract import HANG, Places
from bench.contenders.starts import count_starts, read_starts
from bench.metrics import Figures
from bench.stage import SPOILT, Stage, wait_until

_JOBS: Final = 600
"""So many that one late start does not make the 99th percentile."""
_TRICKLE_SECONDS: Final = 6.0
_START_SECONDS: Final = 20.0
_SETTLE_JOBS: Final = 5
_MILLISECONDS: Final = 1000


def measure_latency(stage: Stage, names: Sequence[str], figures: Figures, tell: Callable[[str], Any]) -> None:
    """Milliseconds from just before a job is queued to its start, middle and 99th percentile, worker idle."""
    for name in names:
        tell(f"start latency: {name}")
        try:
            waits = _latency(stage, name)
        except SPOILT as error:
            tell(f"  not measured: {error}")
            continue
        if len(waits) > 1:
            figures.add(f"{name} latency p50", median(waits))
            figures.add(f"{name} latency p99", quantiles(waits, n=100)[-1])


def _latency(stage: Stage, name: str) -> list[float]:
    contender, _, variant = name.partition(" ")
    places = stage.places(contender)
    stage.act(contender, "prepare", places)
    starts = _starts(stage, contender)
    with ExitStack() as stack:
        if contender == "product" and not variant:
            stack.enter_context(stage.service("event_broker", places))
        stack.enter_context(stage.worker(contender, places, 1, starts))
        return _trickle(stage, contender, places, starts)


def _trickle(stage: Stage, name: str, places: Places, starts: Path) -> list[float]:
    stage.act(name, "send", places, "--keys", "first")
    wait_until(lambda: count_starts(starts), seconds=_START_SECONDS)
    begun = count_starts(starts)
    options = ("--number", str(_JOBS), "--seconds", str(_TRICKLE_SECONDS), "--starts", str(starts))
    sent = stage.act(name, "trickle", places, *options)
    started = read_starts(starts)[begun:]
    waits = [(start - moment) * _MILLISECONDS for moment, start in zip(sent, started, strict=False)]
    return waits[min(_SETTLE_JOBS, len(waits) // 2) :]


def measure_restarts(
    stage: Stage, names: Sequence[str], figures: Figures, *, at_most: float, tell: Callable[[str], Any]
) -> None:
    """Seconds from kill -9 of a worker to its job being in work again under a new one; all at the same time.

    What took longer than `at_most` leaves no figure.
    """
    tell(f"restart after kill -9: all at once, at most {at_most:.0f} s")
    everything = [(name, stage.places(name, db=number)) for number, name in enumerate(names)]
    with ThreadPoolExecutor(len(everything)) as pool:
        waits = [pool.submit(_restart, stage, name, places, at_most) for name, places in everything]
        for name, wait in zip(names, waits, strict=True):
            try:
                seconds = wait.result()
            except SPOILT as error:
                tell(f"  {name} was not measured: {error}")
                continue
            figures.add(f"{name} restart waited", at_most)
            if seconds is not None:
                figures.add(f"{name} restart", seconds)


def _restart(stage: Stage, name: str, places: Places, at_most: float) -> float | None:
    stage.act(name, "prepare", places)
    starts = _starts(stage, name)
    with stage.worker(name, places, 1, starts) as first:
        stage.act(name, "send", places, "--job", HANG)
        if not wait_until(lambda: count_starts(starts), seconds=_START_SECONDS):
            raise TimeoutError(f"{name} started no job")
        first.kill()
    killed = monotonic()
    with stage.worker(name, places, 1, starts):
        wait_until(lambda: count_starts(starts) > 1, seconds=at_most)
    moments = read_starts(starts)
    return moments[1] - killed if len(moments) > 1 else None


def _starts(stage: Stage, name: str) -> Path:
    file = stage.directory / f"starts of {name}"
    file.unlink(missing_ok=True)
    return file
