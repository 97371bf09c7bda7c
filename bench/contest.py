"""Rounds of every contender on the same servers: queueing, working off, and the same beside the audit's drain."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final

from bench.contenders.contract import Places
from bench.contenders.starts import count_starts, read_starts
from bench.metrics import Figures
from bench.stage import SPOILT, Group, Stage, wait_until
from bench.yardstick import raw_seconds

_MOST_JOBS: Final = 6000
_ENQUEUE_SECONDS: Final = 0.6
_WINDOW_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 20.0
_ENOUGH_STARTS: Final = 4
_WARM_SHARE: Final = 0.15
_QUIET: Final = {"LOGGING_LEVEL": "WARNING"}
"""As the peers run: their libraries log nothing here."""


class Contest:
    """One policy of fsync."""

    def __init__(self, stage: Stage, figures: Figures, *, policy: str, tell: Callable[[str], Any]) -> None:
        self._stage = stage
        self._figures = figures
        self._policy = policy
        self._tell = tell

    def round(self, names: Sequence[str], concurrencies: Sequence[int]) -> None:
        """Everybody once."""
        for name in names:
            self._tell(f"appendfsync {self._policy}: {name}")
            for concurrency in concurrencies:
                self._attempt(partial(self._one, name, concurrency))

    def extras(self) -> None:
        """What only the product is asked."""
        self._tell(f"appendfsync {self._policy}: product in other circumstances")
        for measure in (
            partial(self._one, "product", 1, variant="alone", drained=False),
            partial(self._one, "product", 1, variant="logging", env={}),
            self._without_postgres,
            self._crowd,
            self._drain_rate,
        ):
            self._attempt(measure)

    def _attempt(self, measure: Callable[[], None]) -> None:
        try:
            measure()
        except SPOILT as error:
            self._tell(f"  not measured: {str(error).splitlines()[-1:] or type(error).__name__}")

    def _without_postgres(self) -> None:
        places = self._stage.places("product")
        with self._drain(places):
            queued = self._enqueue("product", places, label="", drained=True)
            self._stage.postgres.kill()
            try:
                self._work("product", places, 1, queued, variant="postgres away", env=_QUIET)
            finally:
                self._stage.postgres.start()

    def _crowd(self) -> None:
        """Fifty events at once."""
        places = self._stage.places("product")
        raw = raw_seconds(self._stage.redis.port)
        told = self._stage.act("product", "crowd", places, "--number", str(_MOST_JOBS), "--seconds", "0.8")
        self._add("product crowd", told["seconds"] / told["count"], raw)

    def _drain_rate(self) -> None:
        """Records a second that the event-broker carries when nothing else runs, beyond its first batch."""
        places = self._stage.places("product")
        for keys in ("A", "B"):
            options = ("--keys", keys, "--number", str(_MOST_JOBS), "--seconds", "5")
            self._stage.act("product", "enqueue", places, *options)
        full = self._backlog()
        with self._drain(places):
            wait_until(lambda: self._backlog() < full, seconds=_PATIENCE_SECONDS)
            rest, began = self._backlog(), monotonic()
            wait_until(lambda: not self._backlog(), seconds=_PATIENCE_SECONDS)
            self._figures.add(f"{self._policy} drained a second", rest / (monotonic() - began))

    def _one(
        self, name: str, concurrency: int, *, variant: str = "", drained: bool = True, env: dict[str, str] = _QUIET
    ) -> None:
        places = self._stage.places(name)
        self._stage.act(name, "prepare", places)
        is_drained = drained and name == "product"
        with ExitStack() as stack:
            if is_drained:
                stack.enter_context(self._drain(places))
                self._stage.act(name, "send", places, "--keys", "first")
                self._wait_for_drain()
            queued = self._enqueue(name, places, label=_label(name, "" if drained else variant), drained=is_drained)
            self._work(name, places, concurrency, queued, variant=variant, env=env, drained=is_drained)

    def _wait_for_drain(self) -> None:
        """The yardstick is measured while nothing else runs."""
        wait_until(lambda: not self._backlog(), seconds=_PATIENCE_SECONDS)

    def _enqueue(self, name: str, places: Places, *, label: str, drained: bool) -> int:
        before = raw_seconds(self._stage.redis.port)
        options = ("--number", str(_MOST_JOBS), "--seconds", str(_ENQUEUE_SECONDS))
        told = self._stage.act(name, "enqueue", places, *options)
        if drained:
            self._wait_for_drain()
        raw = (before + raw_seconds(self._stage.redis.port)) / 2
        if label:
            self._add(f"{label} enqueue", told["seconds"] / told["count"], raw)
        return int(told["queued"])

    def _work(  # noqa: PLR0913 - who, where, how many, and in which circumstances
        self,
        name: str,
        places: Places,
        concurrency: int,
        queued: int,
        *,
        variant: str,
        env: dict[str, str],
        drained: bool = False,
    ) -> None:
        starts = self._stage.directory / "starts"
        starts.unlink(missing_ok=True)
        before = raw_seconds(self._stage.redis.port)
        with self._stage.worker(name, places, concurrency, starts, **env) as group:
            moments = self._watch(group, starts, queued)
        if drained:
            self._wait_for_drain()
        raw = (before + raw_seconds(self._stage.redis.port)) / 2
        self._add(f"{_label(name, variant)} work {concurrency}", _seconds_a_job(moments), raw)

    def _watch(self, group: Group, starts: Path, queued: int) -> list[float]:
        if not wait_until(lambda: count_starts(starts) or not group.alive, seconds=_PATIENCE_SECONDS):
            raise TimeoutError("no job was started")
        wait_until(lambda: count_starts(starts) >= queued, seconds=_WINDOW_SECONDS)
        wait_until(lambda: count_starts(starts) >= _ENOUGH_STARTS, seconds=_PATIENCE_SECONDS)
        return read_starts(starts)

    def _drain(self, places: Places) -> Any:
        return self._stage.service("event_broker", places)

    def _backlog(self) -> int:
        return self._stage.client().xlen("event_outbox")

    def _add(self, name: str, seconds: float, raw: float) -> None:
        """A figure is the share of a raw round trip's rate; its seconds are kept for orientation."""
        self._figures.add(f"{self._policy} {name}", raw / seconds)
        self._figures.add(f"{self._policy} {name} seconds", seconds)


def _label(name: str, variant: str) -> str:
    return f"{name} {variant}".strip()


def _seconds_a_job(moments: Sequence[float]) -> float:
    """Seconds from start to start, after a first part that only warms up."""
    if len(moments) < _ENOUGH_STARTS:
        raise TimeoutError(f"only {len(moments)} jobs were started")
    measured = moments[int(len(moments) * _WARM_SHARE) :]
    return (measured[-1] - measured[0]) / (len(measured) - 1)
