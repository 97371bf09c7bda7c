"""The interfaces of the queue and its audit; adapters are chosen in each service's `main` alone."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from event_queue.audit import AuditKind, AuditRecord, EventFilter, EventRecord, PagePosition, PauseRecord
from event_queue.components import ComponentReport
from event_queue.events import RebalanceEvent
from event_queue.outbox_size import OutboxSize
from event_queue.outcomes import (
    DeleteOutcome,
    IntakeOutcome,
    LastTrade,
    Lease,
    LeaseOutcome,
    LivingEvent,
    Pause,
    QueueStatus,
)
from event_queue.spill_marker import SpillMarker


class Intake(Protocol):
    """Takes events in: used by every source of triggers."""

    async def enqueue(
        self, event: RebalanceEvent, *, message_id: str | None = None, remember_while_in_flight: bool = False
    ) -> IntakeOutcome:
        """Queue the event unless its account and command are active, in one atomic step that is also audited.

        Args:
            event: a new event, `times_queued` 1.
            message_id: identity of the inbound message; the same one is taken in at most once per account.
            remember_while_in_flight: True for Ably: when the twin is in work, remember this newer signal.

        Raises:
            QueueFull: Redis is at its memory limit; nothing was changed.
            QueueUnavailable: no answer; repeat with the same event.
        """
        ...


class WorkerQueue(Protocol):
    """The single worker's side of the queue.

    Each write raises LeaseLost, changing nothing, once the lease has passed on.
    `slot` names one of the worker's hands ("0" for a worker of concurrency 1); a slot holds at most one event.
    """

    async def acquire_lease(self, holder: str, *, ttl: timedelta, presumed_dead: str | None = None) -> LeaseOutcome:
        """Take the lease when it is free, or when the token that holds it is `presumed_dead`.

        The token of a lease is `holder:fence`; each new holder gets a higher fence.
        """
        ...

    async def renew_lease(self, lease: Lease) -> None:
        """Extend the lease to its full length."""
        ...

    async def release_lease(self, lease: Lease) -> None:
        """Give the lease up; harmless when it is lost already."""
        ...

    async def recover(self, lease: Lease, *, repeat_pause: timedelta) -> Sequence[RebalanceEvent]:
        """Put what a dead worker held at the back, counted as one more attempt.

        Without a pause the first two times an event is recovered, with `repeat_pause` from the third on.
        """
        ...

    async def claim(self, lease: Lease, slot: str) -> RebalanceEvent | None:
        """Promote due events, then take the oldest waiting one; what the slot already holds is given again."""
        ...

    async def complete(
        self, lease: Lease, slot: str, event: RebalanceEvent, *, result: Mapping[str, Any], claim_next: bool
    ) -> RebalanceEvent | None:
        """End the event as completed, queue its remembered follow-up, and (fused) claim the next one."""
        ...

    async def skip(
        self, lease: Lease, slot: str, event: RebalanceEvent, *, result: Mapping[str, Any], claim_next: bool
    ) -> RebalanceEvent | None:
        """End the event as skipped; otherwise as `complete`."""
        ...

    async def requeue(
        self, lease: Lease, slot: str, event: RebalanceEvent, *, pause: timedelta, error: str, result: Mapping[str, Any]
    ) -> None:
        """Put a failed event, as `event.requeued()`, behind everything after a pause."""
        ...

    async def delay(self, lease: Lease, slot: str, event: RebalanceEvent, *, until: datetime, reason: str) -> None:
        """Put the event aside until `until`, unchanged and not counted as an attempt."""
        ...

    async def park(self, lease: Lease, slot: str, event: RebalanceEvent, *, reason: str) -> None:
        """Put the event aside until trading is resumed for its account, unchanged and not counted as an attempt.

        Should trading have been resumed meanwhile, the event is due at once.
        """
        ...

    async def record(
        self,
        lease: Lease,
        slot: str,
        event: RebalanceEvent,
        kind: AuditKind,
        details: Mapping[str, Any],
        *,
        trading_day: date | None = None,
    ) -> None:
        """Append an audit record about the event in hand; no event moves. The same record of one attempt is added once.

        With an ORDER_INTENT the event is kept for `record_fill` beyond its end. A record that comes with a
        `trading_day`, in the exchange's zone, says in the same step that the account will trade on that day.

        Raises:
            TradingPaused: the kind is ORDER_INTENT and trading is paused for the event's account; nothing was written.
        """
        ...

    async def record_fill(
        self, lease: Lease, event_id: UUID, account_id: str, details: Mapping[str, Any], *, trading_day: date
    ) -> bool:
        """Append an execution under its event, whether that is in hand, waits, or has ended; no event moves.

        The same execution is added once, and again only with other details, such as its commission. In the same step
        its `trading_day`, in the exchange's zone, becomes the account's last, unless a later day stands there.

        Returns:
            False when the event is not known, or sent its first order more than eight days ago; nothing was written.
        """
        ...

    async def last_traded(self, account_id: str) -> LastTrade | None:
        """The account's latest trading day, by fills, or by orders taken that will fill; None when it never traded."""
        ...

    async def wait_for_work(self, *, at_most: timedelta) -> None:
        """Return when something may be claimable: woken by a queued event, a due time, or `at_most`."""
        ...


class TradingSwitch(Protocol):
    """Stops and restarts trading, for one account or for all (scope EVERY_ACCOUNT).

    A pause bites before the next order; previews, prints and cancel-orders go on.
    """

    async def pause(self, scope: str, *, actor: str, reason: str) -> Pause:
        """Pause a scope, audited; a scope that is paused already gets the new actor and reason and keeps its moment."""
        ...

    async def resume(self, scope: str, *, actor: str) -> Pause | None:
        """Lift the pause of a scope, audited, and make the events due that no other pause covers.

        Returns:
            The pause that was lifted; None when the scope was not paused.
        """
        ...

    async def read(self) -> Mapping[str, Pause]:
        """Every pause in force, by scope."""
        ...


class QueueAdmin(Protocol):
    """What operators see and do."""

    async def status(self) -> QueueStatus:
        """Counters, in one round trip whose cost does not depend on the queue's length."""
        ...

    async def list_events(self, limit: int, *, offset: int = 0) -> Sequence[LivingEvent]:
        """Up to `limit` living events in the order in which they will run, leaving out the first `offset`.

        Processing ones first, then waiting ones, then delayed ones by due time.
        """
        ...

    async def get_event(self, event_id: UUID) -> LivingEvent | None:
        """One living event."""
        ...

    async def delete(self, event_id: UUID, *, actor: str) -> DeleteOutcome:
        """Remove an event that is not in work, and its active key, atomically and audited."""
        ...

    async def ping(self) -> None:
        """Raise QueueUnavailable unless Redis answers."""
        ...

    async def durability_warnings(self) -> Sequence[str]:
        """One sentence for each setting of Redis that may lose events (appendonly, appendfsync, maxmemory-policy)."""
        ...


class Outbox(Protocol):
    """The stream of audit records between Redis and PostgreSQL."""

    async def read(self, after: str, *, limit: int, block: timedelta) -> Sequence[AuditRecord]:
        """Records after a stream id, oldest first; waits up to `block` for the first one."""
        ...

    async def trim(self, through: str) -> None:
        """Drop the records up to and including a stream id, which PostgreSQL has committed."""
        ...

    async def length(self) -> int:
        """Records waiting."""
        ...

    async def size(self) -> OutboxSize:
        """How much of Redis's memory the waiting records take, at a cost that does not depend on their number."""
        ...

    async def take_out(self, through: str, marker: SpillMarker) -> None:
        """Drop the records up to and including a stream id, which are safely in a file, and remember which file."""
        ...

    async def spills(self) -> Sequence[SpillMarker]:
        """Every file that records were taken out to and not yet stored from, oldest records first."""
        ...

    async def forget_spill(self, marker: SpillMarker) -> None:
        """Forget a file whose records are all stored, unless it has changed since the marker was read."""
        ...


class AuditStore(Protocol):
    """PostgreSQL's side of the audit."""

    async def append(self, records: Sequence[AuditRecord]) -> None:
        """Store records and the cursor in one transaction; records stored before are recognised by their counter.

        Records that PostgreSQL refuses are set apart in quarantine, and the others stored.

        Raises:
            AuditUnavailable: PostgreSQL did not answer; try again with the same records.
            HistoryDiverged: a counter is known under another stream id; nothing of its batch was stored.
            HistoryGap: records before or among these are missing; nothing was stored.
        """
        ...

    async def cursor(self) -> str:
        """Stream id of the last stored record, `0-0` when none."""
        ...

    async def get_event(self, event_id: UUID) -> EventRecord | None:
        """An event's row with its history."""
        ...

    async def list_events(
        self, matching: EventFilter, *, limit: int, after: PagePosition | None = None
    ) -> Sequence[EventRecord]:
        """A page of events, youngest first, without their histories; `after` continues behind another page."""
        ...

    async def list_pauses(self, *, limit: int) -> Sequence[PauseRecord]:
        """The latest pauses and resumptions of trading, youngest first."""
        ...

    async def ping(self) -> None:
        """Raise AuditUnavailable unless PostgreSQL answers."""
        ...

    async def purge(self, *, older_than: datetime) -> int:
        """Delete ended events of before that moment with all that hangs on them; the number of events removed."""
        ...


class ComponentBoard(Protocol):
    """Where services post the state of their parts."""

    async def report(self, report: ComponentReport) -> None:
        """Post one part's state, replacing its last."""
        ...

    async def read(self) -> Mapping[str, ComponentReport]:
        """The latest report of each part."""
        ...
