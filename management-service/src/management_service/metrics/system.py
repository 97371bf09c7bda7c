"""The system as one scrape finds it: made of what /health knows, and forgotten once it is told.

What nobody can tell at the moment has no series; whether somebody answers is 0 or 1 in any case.
"""

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from event_queue.components import ComponentState
from management_service.health import ComponentHealth, Health
from management_service.metrics.facts import named
from management_service.metrics.gauges import GAUGES

_PREFIX: Final = "rebalancer_"


class SystemCollector(Collector):
    """The system's health, as metrics; labels come from the configuration, never from events or clients."""

    def __init__(self, health: Health, *, throttled: int) -> None:
        """Take what was found, and how often a key was not looked at because of too many wrong ones before it."""
        self._health = health
        self._throttled = throttled

    def collect(self) -> Iterator[Metric]:
        """Every metric family."""
        build = {"version": version("management-service"), "python": platform.python_version()}
        yield InfoMetricFamily(_PREFIX + "build", "What runs here.", build)
        for gauge in GAUGES:
            value = gauge.read(self._health)
            if value is not None:
                yield GaugeMetricFamily(_PREFIX + gauge.name, gauge.meaning, value)
        yield from _components(self._health.components)
        yield _channels(self._health)
        words = "Keys that were not looked at, because too many wrong ones came from their address."
        yield CounterMetricFamily(_PREFIX + "key_throttle_refusals", words, self._throttled)


def _components(components: Mapping[str, ComponentHealth]) -> Iterator[Metric]:
    state = GaugeMetricFamily(_PREFIX + "component_state", "1 for the state it is in.", labels=["component", "state"])
    age = GaugeMetricFamily(
        _PREFIX + "component_heartbeat_age_seconds", "Since the part last told how it is.", labels=["component"]
    )
    for name, part in components.items():
        for possible in ComponentState:
            state.add_metric([_label(name), possible.value], float(part.state is possible))
        if part.age_seconds is not None:
            age.add_metric([_label(name)], part.age_seconds)
    yield state
    yield age


def _channels(health: Health) -> Metric:
    family = GaugeMetricFamily(
        _PREFIX + "ably_channel_state", "1 for the state that the channel is in.", labels=["channel", "state"]
    )
    for channel, state in named(health, "ably", "channels").items():
        family.add_metric([_label(channel), _label(state)], 1)
    return family


def _label(text: object) -> str:
    """Half characters, which no text format can carry, are shown as question marks."""
    return str(text).encode("utf-8", "replace").decode("utf-8")
