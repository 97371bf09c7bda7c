"""Events for tests, told apart by what the test cares about."""

from datetime import UTC, datetime
from typing import Any, Final

from event_queue.events import Command, RebalanceEvent

CREATED: Final = datetime(2025, 6, 24, 14, 30, tzinfo=UTC)


def make_event(
    account_id: str = "DU1",
    exec_command: Command = Command.REBALANCE,
    *,
    data: dict[str, Any] | None = None,
    created_at: datetime = CREATED,
) -> RebalanceEvent:
    """A new event with a fresh id, from the API."""
    return RebalanceEvent.new(account_id=account_id, exec_command=exec_command, source="api", now=created_at, data=data)
