"""The worker's side of the queue."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from event_queue.audit import AuditKind
from event_queue.events import RebalanceEvent
from event_queue.outcomes import LastTrade, Lease, LeaseOutcome


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
        """Promote due events, then take the oldest waiting one; what the slot already holds is given again.

        Raises:
            LeaseLost: the lease has passed on, or the slot holds what was not recovered under it.
        """
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

    async def delay(
        self, lease: Lease, slot: str, event: RebalanceEvent, *, until: datetime | None, reason: str
    ) -> None:
        """Put the event aside until `until`, unchanged and not counted as an attempt.

        None leaves it to the next claim: Redis alone knows what is now.
        """
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

        The same execution is added once, and again whenever it is told otherwise than the last time, be it as it was
        told before that. To tell it without its commission is to tell nothing else. In the same step its `trading_day`,
        in the exchange's zone, becomes the account's last, unless a later day stands there.

        Returns:
            False when the event is not known, or sent its first order more than eight days ago; nothing was written.
        """
        ...

    async def last_traded(self, account_id: str) -> LastTrade | None:
        """The account's latest trading day, by fills, or by orders taken that will fill; None when it never traded."""
        ...

    async def age_of(self, event: RebalanceEvent) -> timedelta | None:
        """How long ago a living event was asked for last; None when it is not alive.

        That is when it, or the signal that it follows, was taken in, or when a later one was refused as its duplicate.
        Redis measures both moments by its one clock; of an event that came back from history the first is the one that
        the service which took it in wrote down.
        """
        ...

    async def await_event(self, lease: Lease, slot: str, *, at_most: timedelta) -> RebalanceEvent | None:
        """Wait until something may be claimable, and claim in that moment as `claim` does.

        Woken by a queued event, a due time, `wake`, or `at_most` (5 s at most are waited); only the due time that the
        latest empty claim saw is known, so claim first, then wait. Cut short by a cancellation it may have claimed all
        the same: what the slot holds is then given by its next claim, or recovered under the next lease.
        """
        ...

    async def wake(self) -> None:
        """End one wait for an event, as a queued one would."""
        ...
