"""Reading what parts report of themselves, which another version of a service may put in other words."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from event_queue.components import ComponentState
from management_service.health import Health

Reading = Callable[[Health], float | None]
"""A number of the system; None when nobody can tell it now."""


def facts_of(health: Health, component: str) -> Mapping[str, Any]:
    """What is known of a part now: nothing once it has fallen silent."""
    part = health.components.get(component)
    return {} if part is None or part.state is ComponentState.UNKNOWN else part.facts


def number(component: str, fact: str) -> Reading:
    """A fact that is a number."""
    return lambda health: _number(facts_of(health, component).get(fact))


def says(component: str, fact: str, *, value: object) -> Reading:
    """1 while a part says so; 0 when it says something else, or nothing."""
    return lambda health: float(facts_of(health, component).get(fact) == value)


def moment(component: str, fact: str) -> Reading:
    """A fact that is a moment, in seconds since 1970."""

    def read(health: Health) -> float | None:
        try:
            return datetime.fromisoformat(facts_of(health, component).get(fact) or "").timestamp()
        except (TypeError, ValueError):
            return None

    return read


def length(component: str, fact: str) -> Reading:
    """How many things a fact lists."""

    def read(health: Health) -> float | None:
        found = facts_of(health, component).get(fact)
        return len(cast("list[Any] | dict[Any, Any]", found)) if isinstance(found, (list, dict)) else None

    return read


def largest(component: str, fact: str, field: str) -> Reading:
    """The largest number that the things of a list have in a field; 0 for an empty list."""

    def read(health: Health) -> float | None:
        found = facts_of(health, component).get(fact)
        if not isinstance(found, list):
            return None
        items = (cast("dict[str, Any]", item) for item in cast("list[Any]", found) if isinstance(item, dict))
        return max((_number(item.get(field)) or 0 for item in items), default=0)

    return read


def named(health: Health, component: str, fact: str) -> Mapping[Any, Any]:
    """A fact that gives each of several names a value."""
    found = facts_of(health, component).get(fact)
    return cast("dict[Any, Any]", found) if isinstance(found, dict) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
