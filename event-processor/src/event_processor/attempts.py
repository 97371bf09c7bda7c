"""Running an event's command until it ends, fails, or the service stops."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from event_processor.account_locks import AccountLocks
from event_processor.attempt import AttemptOutcome, Failed, Interrupted, Parked
from event_processor.audit_trail import AuditTrail
from event_processor.commands import CommandRunner
from event_processor.errors import Stopping
from event_processor.failures import FailureKind, classify, explain
from event_processor.lease_guard import LeaseGuard
from event_processor.operator_attention import OperatorAttention
from event_processor.shared_wait import SharedWait
from event_queue.errors import LeaseLost, QueueHalted, TradingPaused
from event_queue.events import RebalanceEvent

_log = structlog.get_logger(__name__)

_CANCELLED_WITHIN: Final = Failed(FailureKind.UNEXPECTED, "something inside the attempt cancelled it")
"""A library that lets a cancellation escape fails the event, not the worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Runs attempts side by side, never two of one account."""

    commands: CommandRunner
    guard: LeaseGuard
    stop: asyncio.Event
    grace_seconds: float
    """How long an attempt may go on after `stop` is set."""
    locks: AccountLocks = field(default_factory=AccountLocks)
    redact: Callable[[str], str] = str
    """Masks secrets in the words of a failure, which everybody may read: whoever was asked may repeat what was sent."""
    attention: OperatorAttention = field(default_factory=OperatorAttention)
    stopping: SharedWait = field(default_factory=SharedWait)

    async def run(self, event: RebalanceEvent, trail: AuditTrail) -> AttemptOutcome:
        """Run one attempt; once `stop` is set, give it the grace period to end by itself.

        Raises:
            LeaseLost: the lease has passed on; nothing more may be written.
        """
        attempt = asyncio.ensure_future(self._attempt(event, trail))
        try:
            await asyncio.wait({attempt, self.stopping.wait_for(self.stop)}, return_when=asyncio.FIRST_COMPLETED)
            if not attempt.done():
                _log.info("shutdown_waits_for_attempt", at_most_seconds=self.grace_seconds)
                await asyncio.wait({attempt}, timeout=self.grace_seconds)
            if not attempt.done():
                return Interrupted(orders_sent=trail.orders_intended > 0)
            return _CANCELLED_WITHIN if attempt.cancelled() else attempt.result()
        finally:
            if not attempt.done():
                attempt.cancel()
                await asyncio.gather(attempt, return_exceptions=True)

    async def _attempt(self, event: RebalanceEvent, trail: AuditTrail) -> AttemptOutcome:
        try:
            async with self.locks.of(event.account_id):
                self.guard.require_running()
                return await self.commands.run(event, recorder=trail, guard=self.guard)
        except LeaseLost:
            raise
        except Stopping:
            return Interrupted(orders_sent=trail.orders_intended > 0)
        except (TradingPaused, QueueHalted) as paused:
            return Parked(str(paused), orders_sent=trail.orders_intended > 0)
        except Exception as error:  # noqa: BLE001 - whatever it is, the event must not be lost nor the worker end
            kind = classify(error)
            failure = Failed(kind, self.redact(explain(error)))
            _log.warning("attempt_failed", kind=kind.value, error=failure.error, exc_info=kind.needs_traceback)
            self.attention.call_for(event, failure)
            return failure
