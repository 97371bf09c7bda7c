"""Running an event's command until it ends, fails, or the service stops."""

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from event_processor.account_locks import AccountLocks
from event_processor.attempt import AttemptOutcome, Failed, Interrupted, Parked
from event_processor.audit_trail import AuditTrail
from event_processor.commands import CommandRunner
from event_processor.errors import Stopping
from event_processor.failures import classify, explain
from event_processor.lease_guard import LeaseGuard
from event_processor.operator_attention import OperatorAttention
from event_processor.own_cancellation import only_cancelled_when_asked
from event_processor.stop_limits import StopLimits
from event_queue.errors import LeaseLost, QueueHalted, TradingPaused
from event_queue.events import RebalanceEvent

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Runs attempts side by side, never two of one account."""

    commands: CommandRunner
    guard: LeaseGuard
    limits: StopLimits
    grace_seconds: float
    """How long an attempt may go on after the service was told to stop."""
    locks: AccountLocks = field(default_factory=AccountLocks)
    redact: Callable[[str], str] = str
    """Masks secrets in the words of a failure, which everybody may read: whoever was asked may repeat what was sent."""
    attention: OperatorAttention = field(default_factory=OperatorAttention)

    async def run(self, event: RebalanceEvent, trail: AuditTrail) -> AttemptOutcome:
        """Run one attempt; once the service is told to stop, give it the grace period to end by itself.

        Raises:
            LeaseLost: the lease has passed on; nothing more may be written.
        """
        try:
            with self.limits.after_stop(self.grace_seconds):
                return await self._attempt(event, trail)
        except TimeoutError:
            return Interrupted(orders_sent=trail.orders_intended > 0)

    async def _attempt(self, event: RebalanceEvent, trail: AuditTrail) -> AttemptOutcome:
        try:
            async with self.locks.of(event.account_id):
                self.guard.require_running()
                with only_cancelled_when_asked("the attempt"):
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
