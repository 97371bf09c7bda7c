"""The single numbers of the system that Prometheus is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from event_queue.components import ComponentState
from event_queue.outcomes import QueueStatus
from management_service.health import Verdict
from management_service.metrics.facts import Reading, largest, length, moment, number, says


@dataclass(frozen=True, slots=True)
class Gauge:
    """One number; its series is left out while nobody can tell it."""

    name: str
    meaning: str
    read: Reading


def _queue(count: Callable[[QueueStatus], int]) -> Reading:
    return lambda health: None if health.queue is None else count(health.queue)


def _answers(component: str) -> Reading:
    silent = (ComponentState.DOWN, ComponentState.UNKNOWN)
    return lambda health: float(health.components[component].state not in silent)


GAUGES: Final = (
    Gauge("healthy", "1 while /health answers 200.", lambda health: float(health.verdict is Verdict.HEALTHY)),
    Gauge("redis_up", "1 when Redis answers, takes writes, and holds nothing that it must not.", _answers("redis")),
    Gauge("postgres_up", "1 when PostgreSQL answers.", _answers("postgres")),
    Gauge("queue_length", "Events waiting in the line.", _queue(lambda queue: queue.queue_length)),
    Gauge("queue_delayed", "Events put aside until later.", _queue(lambda queue: queue.delayed)),
    Gauge("queue_in_flight", "Events in the worker's hands.", _queue(lambda queue: queue.processing)),
    Gauge("queue_active", "Events that have not ended.", _queue(lambda queue: queue.active_events_count)),
    Gauge(
        "queue_oldest_age_seconds",
        "Age of the oldest event that has not ended.",
        _queue(lambda queue: queue.oldest_event_age_seconds),
    ),
    Gauge("events_with_retries", "Events queued more than once.", _queue(lambda queue: queue.events_with_retries)),
    Gauge("outbox_lag_records", "Audit records that PostgreSQL has not taken yet.", number("postgres", "lag_records")),
    Gauge("outbox_lag_seconds", "Age of the oldest of them.", number("postgres", "lag_seconds")),
    Gauge("outbox_spilled_records", "Those of them that lie on disk.", number("relay", "spilled_records")),
    Gauge("outbox_bytes", "What they take of Redis's memory.", number("relay", "outbox_bytes")),
    Gauge("outbox_budget_bytes", "What they may take of it.", number("relay", "budget_bytes")),
    Gauge("ably_connected", "1 while connected to Ably.", says("ably", "connection", value="connected")),
    Gauge(
        "ably_last_message_timestamp_seconds",
        "When the latest message known was published.",
        moment("ably", "last_message_at"),
    ),
    Gauge("ably_backlog", "Messages received and not queued yet.", number("ably", "backlog")),
    Gauge("ably_gaps", "Channels whose signals may have been missed.", length("ably", "gaps")),
    Gauge("gateway_connected", "1 while connected to the brokerage.", says("gateway", "connected", value=True)),
    Gauge("gateway_read_only", "1 while the gateway refuses orders.", says("gateway", "read_only", value=True)),
    Gauge(
        "gateway_last_heard_timestamp_seconds",
        "When the gateway last said anything.",
        moment("gateway", "last_heard_at"),
    ),
    Gauge("worker_in_hand", "Events that the worker says it works on.", length("worker", "in_hand")),
    Gauge(
        "worker_oldest_in_hand_age_seconds",
        "How long it has worked on the oldest of them.",
        largest("worker", "in_hand", "age_seconds"),
    ),
    Gauge("trading_pauses", "Pauses of trading in force.", length("trading", "pauses")),
)
