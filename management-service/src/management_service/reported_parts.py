"""What the services say of their parts, as far as it is true still."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeGuard, cast

from event_queue.components import ComponentReport, ComponentState
from management_service.health import ComponentHealth

FRESH_FOR = timedelta(seconds=15)
"""Parts report every five seconds; after three missed reports nothing is known of them."""

GIVEN_UP_AFTER = timedelta(minutes=1)
"""A part that is silent for longer does not work: a restart takes less."""

REPORTED_BY: Mapping[str, str] = {
    "ably": "event-broker",
    "gateway": "event-processor",
    "worker": "event-processor",
    "relay": "event-broker",
    "history": "event-broker",
    "manual_files": "event-broker",
}
"""The service that speaks for each part."""

_GRAVITY: Final = (ComponentState.OK, ComponentState.DEGRADED, ComponentState.UNKNOWN, ComponentState.DOWN)


def reported_health(reports: Sequence[ComponentReport] | None, now: datetime) -> Iterator[tuple[str, ComponentHealth]]:
    """What the other services say of their parts; one that has fallen silent is unknown, whatever it said last.

    `reports` is None when they could not be read.
    """
    names: dict[str, None] = dict.fromkeys((*REPORTED_BY, *(report.name for report in reports or ())))
    for name in names:
        said = sorted((each for each in reports or () if each.name == name), key=lambda each: each.process)
        yield name, _UNREADABLE if reports is None else _joined(name, said, now)


def _joined(name: str, said: Sequence[ComponentReport], now: datetime) -> ComponentHealth:
    """A part of which several processes speak is as the worst of those says that speak now.

    So the answer is the same whoever spoke last, and one that has ended is not waited for beside one that works.
    """
    speaking = [each for each in said if now - each.reported_at <= FRESH_FOR]
    if len(speaking) < 2:  # noqa: PLR2004 - one speaks for itself
        return _reported(name, max(speaking or said, key=lambda each: each.reported_at, default=None), now)
    parts = {each.process: _reported(name, each, now) for each in speaking}
    process, worst = max(parts.items(), key=lambda named: _GRAVITY.index(named[1].state))
    said_by_each = {process: {"status": part.state.value, "detail": part.detail} for process, part in parts.items()}
    words = "" if worst.state is ComponentState.OK else f"{process}, one of {len(parts)} processes, says: "
    return replace(worst, detail=words + worst.detail, facts={**worst.facts, "processes": said_by_each})


_UNREADABLE = ComponentHealth(ComponentState.UNKNOWN, "its reports stand in Redis and could not be read", {}, None)


def _reported(name: str, report: ComponentReport | None, now: datetime) -> ComponentHealth:
    service = REPORTED_BY.get(name, "its service")
    if report is None:
        return ComponentHealth(ComponentState.UNKNOWN, f"has never reported: is {service} running?", {}, None)
    age = now - report.reported_at
    seconds = max(0, int(age.total_seconds()))
    is_given_up = name in REPORTED_BY and abs(age) > GIVEN_UP_AFTER
    if age < -FRESH_FOR:
        detail = f"its report is dated {report.reported_at.isoformat()}, later than now: is {service} running, and do "
        detail += f"the clocks agree? It said: {report.detail}"
        return ComponentHealth(ComponentState.UNKNOWN, detail, report.facts, None, is_given_up)
    if age > FRESH_FOR:
        detail = f"last heard of {seconds} s ago: is {service} running? It said: {report.detail}"
        return ComponentHealth(ComponentState.UNKNOWN, detail, report.facts, seconds, is_given_up)
    return ComponentHealth(report.state, report.detail, _aged(report.facts, age), seconds)


def _aged(facts: Mapping[str, Any], age: timedelta) -> Mapping[str, Any]:
    """What a part has in hand grows older while its report waits to be read."""
    in_hand = facts.get("in_hand")
    if not isinstance(in_hand, list):
        return facts
    return {**facts, "in_hand": [_older(item, age) for item in cast("list[Any]", in_hand)]}


def _older(item: Any, age: timedelta) -> Any:
    if not isinstance(item, dict):
        return item
    fields = cast("dict[str, Any]", item)
    told = fields.get("age_seconds")
    return {**fields, "age_seconds": round(told + max(0.0, age.total_seconds()), 1)} if _is_number(told) else fields


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float))
