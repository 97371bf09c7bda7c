"""What the API tells about putting the queue right."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from event_queue.keepsakes import KeptCounts
from event_queue.mend_plan import MendStep
from event_queue.mend_planner import MendPlan
from event_queue.mend_words import Traded
from event_queue.one_past import Verdict
from management_service.scopes import shown_scope

MOST_SHOWN = 1000
"""Most events that one answer names."""


class MendStepDocument(BaseModel):
    """What happens to one event."""

    action: Literal["returns", "corrected", "ends", "told"]
    """It comes back, is set to what history knows, goes because it has ended, or is told to history."""
    event_id: UUID
    account_id: str
    exec_command: str
    times_queued: int
    """Afterwards."""
    due_at: datetime | None
    """When it joins the line; null when it waits in it, or for trading to be resumed."""
    waits_for_trading: bool
    ended_as: str | None
    """How it ended, for one that goes."""

    @classmethod
    def of(cls, step: MendStep) -> "MendStepDocument":
        """The step in words of the API."""
        return cls(
            action=step.action.value,
            event_id=step.event.event_id,
            account_id=step.event.account_id,
            exec_command=step.event.exec_command,
            times_queued=step.event.times_queued,
            due_at=step.due_at,
            waits_for_trading=step.parked_at is not None,
            ended_as=step.ended_as,
        )


class KeptDocument(BaseModel):
    """What comes back besides events, as far as history knows it; what Redis has still stays as it is."""

    message_receipts: int
    """Messages that are recognised when they are told again, counted for each account."""
    event_receipts: int
    """The same for trigger files and requests."""
    fill_receipts: int
    """Executions that are recognised when they are told again."""
    traded_events: int
    """Events that sent orders, for executions that come after their end."""
    trading_days: int
    """Accounts whose latest trading day is known again."""
    channels: int
    """Channels that are read again from where history knows them."""

    @classmethod
    def of(cls, kept: KeptCounts, traded: Iterable[Traded]) -> "KeptDocument":
        """The counts in words of the API."""
        return cls(**asdict(kept), trading_days=len({each.account_id for each in traded}))


class MendDocument(BaseModel):
    """What was done, or would be."""

    done: bool
    """False for a dry run, and when there was nothing to do."""
    verdict: Verdict
    """What the comparison of Redis and history showed."""
    halted: bool
    """Whether nothing was traded because of it."""
    history_counter: int
    """Number of the last record that history holds."""
    redis_counter: int | None
    """Number of the last record in Redis; null when it holds none."""
    counts: dict[str, int]
    """Events by what happens to them."""
    moved_records: int
    """Records of Redis that are numbered anew behind those of history."""
    pauses: list[str]
    """Scopes whose pause of trading comes back from history."""
    kept: KeptDocument | None
    """Null when Redis has lost nothing."""
    events: list[MendStepDocument]
    """In the order in which they will stand in line; the first thousand."""

    @classmethod
    def of(cls, plan: MendPlan, *, is_done: bool) -> "MendDocument":
        """The plan in words of the API."""
        comparison = plan.comparison
        return cls(
            done=is_done,
            verdict=comparison.verdict,
            halted=bool(comparison.survey.halt),
            history_counter=comparison.position.counter,
            redis_counter=comparison.survey.counter,
            counts=dict(Counter(step.action.value for step in plan.steps)),
            moved_records=len(plan.loose.stream_ids) if plan.renumbers else 0,
            pauses=[shown_scope(switched.scope) for switched in plan.switched if switched.pause is not None],
            kept=None if plan.kept is None else KeptDocument.of(plan.kept, plan.traded),
            events=[MendStepDocument.of(step) for step in plan.steps[:MOST_SHOWN]],
        )
