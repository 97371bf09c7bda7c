"""The verdict on the whole system, and how each part is.

Healthy means: no event is retried, nothing is halted, Redis takes events, and no part has long been silent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from event_queue.components import ComponentState
from event_queue.outcomes import Pause, QueueStatus, RedisCondition
from management_service.scopes import shown_scope

KEEPS_UP_SECONDS = 60
"""A relay at work carries a record within seconds; PostgreSQL is degraded when the oldest has waited longer."""

_REDIS_SILENT = "did not answer as it should: check that Redis runs, then this service's log"


class Verdict(StrEnum):
    """ERROR means that the queue could not be asked."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """One part of the system, as far as it is known now."""

    state: ComponentState
    detail: str
    facts: Mapping[str, Any]
    age_seconds: int | None
    """Since it last reported; None if it never did."""
    is_given_up: bool = False
    """Whether it reported once and has been silent for so long that nobody does its work."""


@dataclass(frozen=True, slots=True)
class Health:
    """What /health says."""

    verdict: Verdict
    queue: QueueStatus | None
    """None when it could not be asked."""
    components: Mapping[str, ComponentHealth]

    @property
    def events_with_retries(self) -> int | None:
        """None when the queue could not be asked."""
        return None if self.queue is None else self.queue.events_with_retries

    @property
    def message(self) -> str:
        """The verdict in words, naming each part that is not well."""
        troubled = [
            f"{name} is {part.state}: {part.detail}"
            for name, part in self.components.items()
            if part.state is not ComponentState.OK
        ]
        return "; ".join((*_halt_words(self), _retry_words(self), *troubled))


def _halt_words(health: Health) -> Iterator[str]:
    if health.queue is not None and health.queue.halt:
        yield f"Nothing is traded ({health.queue.halt})"


def _retry_words(health: Health) -> str:
    match health.events_with_retries:
        case None:
            return "The queue cannot be checked"
        case 0:
            return "No events require retry"
        case 1:
            return "1 event is being retried"
        case retried:
            return f"{retried} events are being retried"


def judge(status: QueueStatus | None, components: Mapping[str, ComponentHealth]) -> Health:
    """The verdict; `status` is None when Redis did not answer."""
    if status is None:
        return Health(Verdict.ERROR, None, components)
    is_ill = (
        status.events_with_retries > 0
        or bool(status.halt)
        or ComponentState.DOWN in (components["redis"].state, components["history"].state)
        or _contradicts_history(components)
        or any(part.is_given_up for part in components.values())
    )
    return Health(Verdict.UNHEALTHY if is_ill else Verdict.HEALTHY, status, components)


def _contradicts_history(components: Mapping[str, ComponentHealth]) -> bool:
    """Whether no live run starts, because the relay has found a contradiction that nobody knows to be over."""
    is_settled = components["history"].state is ComponentState.OK
    return components["relay"].state is ComponentState.DOWN and not is_settled


def redis_health(status: QueueStatus | None, damage: str, condition: RedisCondition) -> ComponentHealth:
    """Redis, which this service asks itself; `damage` is what it holds and must not."""
    if damage:
        return ComponentHealth(ComponentState.DOWN, f"holds what the queue never wrote: {damage}", {}, 0)
    if status is None:
        return ComponentHealth(ComponentState.DOWN, _REDIS_SILENT, {}, 0)
    facts = {"refusals": list(condition.refusals), "durability_warnings": list(condition.dangers)}
    if condition.refusals:
        return ComponentHealth(ComponentState.DOWN, f"takes no writes: {'; '.join(condition.refusals)}", facts, 0)
    if condition.dangers:
        return ComponentHealth(ComponentState.DEGRADED, "; ".join(condition.dangers), facts, 0)
    return ComponentHealth(ComponentState.OK, "keeps the queue", facts, 0)


def postgres_health(
    *, reachable: bool, status: QueueStatus | None, relay: ComponentHealth | None = None
) -> ComponentHealth:
    """PostgreSQL, which this service asks itself, and how far behind its history is.

    What it has not taken yet waits in Redis, and on disk as far as the relay says so; None is what cannot be told.
    """
    spilled = relay.facts.get("spilled_records") if relay is not None else None
    facts: dict[str, Any] = {"lag_records": None, "lag_seconds": None}
    if status is not None:
        facts = _lag(status, spilled if isinstance(spilled, int) else 0, relay)
    if not reachable:
        detail = "did not answer: trading goes on, and the history waits in Redis"
        return ComponentHealth(ComponentState.DOWN, detail, facts, 0)
    behind = facts["lag_seconds"] or 0
    if behind > KEEPS_UP_SECONDS:
        detail = f"answers, but its history is {behind} s behind: the part relay tells why"
        return ComponentHealth(ComponentState.DEGRADED, detail, facts, 0)
    return ComponentHealth(ComponentState.OK, "keeps the history", facts, 0)


def _lag(status: QueueStatus, spilled: int, relay: ComponentHealth | None) -> dict[str, Any]:
    """Records that were moved to disk are older than those in Redis, and only the relay knows since when."""
    told = relay.facts.get("lag_seconds") if spilled and relay is not None else None
    seconds = max(status.outbox_age_seconds, int(told) if isinstance(told, (int, float)) else 0)
    return {"lag_records": status.outbox_length + spilled, "lag_seconds": seconds}


def trading_health(pauses: Mapping[str, Pause] | None) -> ComponentHealth:
    """Whether operators let the system trade; `pauses` is None when they could not be read."""
    if pauses is None:
        return ComponentHealth(
            ComponentState.UNKNOWN, "whether it is paused stands in Redis and could not be read", {}, None
        )
    facts = {"pauses": [_pause_facts(pause) for pause in pauses.values()]}
    if not pauses:
        return ComponentHealth(ComponentState.OK, "not paused", facts, 0)
    detail = "; ".join(
        f"paused for {shown_scope(pause.scope)} by {pause.actor}: {pause.reason}" for pause in pauses.values()
    )
    return ComponentHealth(ComponentState.DEGRADED, detail, facts, 0)


def _pause_facts(pause: Pause) -> dict[str, str]:
    return {
        "scope": shown_scope(pause.scope),
        "actor": pause.actor,
        "reason": pause.reason,
        "since": pause.since.isoformat(),
    }
