"""docs/operations.md names the metrics that there are: no other, and each of them."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from event_queue.outcomes import RedisCondition
from management_service.health import Health, Verdict, postgres_health, redis_health, trading_health
from management_service.metrics.gauges import GAUGES
from management_service.metrics.system import SystemCollector
from management_service.reported_parts import reported_health
from management_service.traffic import Traffic
from service_runtime.clock import SystemClock

PREFIX = "rebalancer_"
ENDING = re.compile("_(total|info)$")
ROW = re.compile(r"^\|(.*?)\|", re.MULTILINE)
NAME = re.compile(r"[a-z]+(?:_[a-z]+)*")


def families() -> set[str]:
    """Every family of a system in which nobody answers, and what is left out of it meanwhile."""
    parts = dict(reported_health(None, SystemClock().now()))
    parts["redis"] = redis_health(None, "", RedisCondition())
    parts["postgres"] = postgres_health(reachable=False, status=None)
    parts["trading"] = trading_health(None)
    health = Health(Verdict.ERROR, None, parts)
    traffic = Traffic()
    traffic.was_served("GET", "/", 200, 0)
    registry = CollectorRegistry()
    registry.register(SystemCollector(health, throttled=0))
    told: list[Metric] = [*registry.collect(), *traffic.registry.collect()]
    return {family.name.removeprefix(PREFIX) for family in told} | {gauge.name for gauge in GAUGES}


def named(root: Path) -> set[str]:
    """What the first columns of the section's tables name, without the endings that Prometheus adds."""
    page = (root / "docs" / "operations.md").read_text("utf-8")
    section = page.partition("\n### Metrics\n")[2].partition("\n## ")[0]
    words = {word for row in ROW.findall(section) for code in re.findall("`(.*?)`", row) for word in _names(code)}
    return {ENDING.sub("", word.removeprefix(PREFIX)) for word in words}


def _names(code: str) -> list[str]:
    """The metrics of an expression: its words, but for labels and functions."""
    return [word for word in NAME.findall(re.sub(r"\{.*?\}|\[.*?\]|\brate\b|\bor\b", " ", code)) if word]


def test_every_metric_is_explained_and_no_other(root: Path) -> None:
    """An alarm on a name that nobody serves never rings."""
    assert named(root) == {ENDING.sub("", name) for name in families()}
