"""The queued unit of work: one frozen value, carried unchanged until it ends except for `times_queued`."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from event_queue.event_ids import new_event_id


class Command(StrEnum):
    """What an event asks for. Only REBALANCE trades."""

    REBALANCE = "rebalance"
    PRINT_REBALANCE = "print-rebalance"
    PRINT_POSITIONS = "print-positions"
    PRINT_EQUITY = "print-equity"
    PRINT_ORDERS = "print-orders"
    CANCEL_ORDERS = "cancel-orders"


Source = Literal["ably", "file", "api", "cli"]


class RebalanceEvent(BaseModel):
    """One event for one account.

    `data` is the trigger's payload, opaque and unchanged through every requeue, delay and recovery; account settings
    are never read from it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: UUID
    account_id: Annotated[str, Field(min_length=1, max_length=50)]
    exec_command: Command
    times_queued: Annotated[int, Field(ge=1)] = 1
    created_at: AwareDatetime
    source: Source
    data: dict[str, JsonValue] = Field(default_factory=dict)
    recovered: Annotated[bool, Field(exclude_if=lambda is_recovered: not is_recovered)] = False
    """Whether it came back from history after Redis had lost it; written down only when it did."""

    @classmethod
    def new(
        cls,
        *,
        account_id: str,
        exec_command: Command,
        source: Source,
        now: datetime,
        data: dict[str, Any] | None = None,
    ) -> "RebalanceEvent":
        """Make an event with a fresh id, created at `now` (aware; stored as UTC)."""
        return cls(
            event_id=new_event_id(now),
            account_id=account_id,
            exec_command=exec_command,
            created_at=now.astimezone(UTC),
            source=source,
            data=data or {},
        )

    @property
    def dedup_key(self) -> str:
        """`account_id:command`, of which at most one event is alive at any time."""
        return f"{self.account_id}:{self.exec_command}"

    def requeued(self) -> "RebalanceEvent":
        """The same event, queued once more."""
        return self.model_copy(update={"times_queued": self.times_queued + 1})
