"""Whether Redis and PostgreSQL tell of one past: looked at each second, put right or reported as `history`.

An emptied Redis is rebuilt here at once. One that went back in time is halted, and waits for an operator's
`rebalancer resync`, and so is one that lost single keys. PostgreSQL being away is no contradiction: trading goes on.

Facts: verdict, halt, checked (whether this run of Redis was compared).
Log events: queue_rebuilt (with the number of events by what happened to them), history_trouble (verdict=, reason=).
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from event_broker.carrying import Carrying
from event_broker.history_finding import (
    REBUILT,
    STARTING,
    WAITS_FOR_FILES,
    Finding,
    halted,
    halted_with_files,
    not_compared,
    well,
    without_history,
)
from event_broker.past_gate import PastGate
from event_broker.spill_keeper import SpillKeeper
from event_queue.comparison import Comparison
from event_queue.components import ComponentReport, ComponentState
from event_queue.errors import AuditUnavailable, QueueError, QueueUnavailable
from event_queue.mend_planner import MendPlan
from event_queue.mender import Mender
from event_queue.one_past import CLOSED, Verdict
from event_queue.redis_mending import RedisMending
from service_runtime.clock import Clock

COMPONENT: Final = "history"
LOOK_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 10.0
"""How long a new run of Redis is not traded on while PostgreSQL, which may know better, is away."""

_log = structlog.get_logger(__name__)


class HistoryKeeper:
    """Looks for as long as the service lives."""

    def __init__(self, mender: Mender, redis: RedisMending, files: SpillKeeper, gate: PastGate, clock: Clock) -> None:
        """Take what compares and mends, the files, whose records come before everything, and the gate of the intake."""
        self._mender = mender
        self._gate = gate
        self._redis = redis
        self._files = files
        self._clock = clock
        self.changed: Callable[[], None] = _nobody
        """Called after each look that showed something else than the one before."""
        self.carrying = Carrying()
        """Allowed from the first look on, for as long as the two do not contradict each other."""
        self._finding = STARTING
        self._checked_run = ""
        self._told_until: datetime | None = None
        self._waiting_since: float | None = None
        self._met_run = ""
        """The run of Redis to which we carry nothing any more from an earlier one."""
        self._fenced_run = ""
        """The run of Redis to which nobody does, as history knows."""
        self._first_run = ""
        """The run of Redis that anybody ever met first."""
        self._taught_run = ""
        """The halted run that takes signals in: it knows again which it has seen."""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            found = await self._look()
            if found.detail != self._finding.detail and found.state is not ComponentState.OK:
                _log.warning("history_trouble", verdict=found.verdict, reason=found.detail)
            self.carrying.allow(allowed=found.may_carry)
            if found != self._finding:
                self._finding = found
                self.changed()
            await self._clock.pause(LOOK_SECONDS)

    def report(self) -> ComponentReport:
        """What the latest look showed."""
        found = self._finding
        facts = {"verdict": found.verdict, "halt": found.halt or None, "checked": bool(self._checked_run)}
        return ComponentReport(COMPONENT, found.state, found.detail, facts, self._clock.now())

    async def _look(self) -> Finding:
        looked_at = self._clock.now()
        try:
            run_id = await self._redis.run_id()
            await self._files.compare()
            await self._meet(run_id)
            comparison = await self._mender.compare()
            finding = await self._judge(comparison, run_id)
        except AuditUnavailable as error:
            return await self._without_history(error)
        except QueueError as error:
            return not_compared(error)
        if comparison.history_knows_all:
            self._told_until = looked_at
        return finding

    async def _meet(self, run_id: str) -> None:
        """Before a run of Redis is compared, nothing that was read from the one before it may be on its way.

        That goes for other event-brokers too, which may not have seen yet that it is another run.
        """
        if run_id != self._met_run:
            await self.carrying.stop()
            if run_id == await self._redis.checked_run():
                self._fenced_run = run_id
            else:
                await self._redis.rewrite_log()
            self._met_run = run_id
        if run_id != self._fenced_run:
            self._first_run = await self._mender.fence(run_id)
            self._fenced_run = run_id

    async def _judge(self, comparison: Comparison, run_id: str) -> Finding:
        self._waiting_since = None
        verdict, halt = comparison.verdict, comparison.survey.halt
        if verdict is Verdict.REDIS_LOST or halt.startswith(CLOSED):
            return await self._rebuild(run_id)
        if comparison.needs_mending:
            return await self._halt(comparison, run_id)
        self._taught_run = ""
        if verdict is Verdict.NEW:
            await self._mender.open_if_new()
        await self._mark_checked(run_id, comparison)
        self._gate.open(run_id, least=comparison.position.counter)
        return well(verdict)

    async def _rebuild(self, run_id: str) -> Finding:
        self._close_gate("Redis was emptied, and is rebuilt from history first")
        if self._files.may_hold_records:
            return WAITS_FOR_FILES
        # What is read before its records are numbered behind those of history would contradict it.
        await self.carrying.stop()
        plan = await self._mender.mend()
        self._gate.open(run_id, least=plan.comparison.position.counter)
        _log.warning("queue_rebuilt", **_counts(plan), last_stored=plan.comparison.position.counter)
        return REBUILT

    async def _halt(self, comparison: Comparison, run_id: str) -> Finding:
        if not comparison.survey.halt:
            await self._mender.halt()
        if not comparison.lacks_keys and self._files.holds_records:
            # The relay stands still, and what Redis has to be put right by may lie in them.
            await self.carrying.stop()
            trouble = await self._carry_files()
            if trouble is not None:
                return trouble
        if run_id != self._taught_run:
            self._close_gate("Redis has lost some of its past, and learns first which messages it has seen")
            await self._mender.remember()
            self._gate.open(run_id, least=None)
            self._taught_run = run_id
        return halted(comparison, await self._redis.halt_reason())

    async def _carry_files(self) -> Finding | None:
        """Bring the files to PostgreSQL; what to report when that cannot be done."""
        try:
            await self._files.carry()
        except (AuditUnavailable, QueueUnavailable):
            raise
        except QueueError as error:
            return halted_with_files(error, await self._redis.halt_reason())
        return None

    def _close_gate(self, reason: str) -> None:
        self._gate.close(reason, told_until=self._told_until)

    async def _without_history(self, error: AuditUnavailable) -> Finding:
        """PostgreSQL being away must not stop trading; a run of Redis that nobody compared gets a little patience."""
        now = asyncio.get_running_loop().time()
        self._waiting_since = now if self._waiting_since is None else self._waiting_since
        try:
            halt = await self._redis.halt_reason()
            if not halt:
                await self._trust_redis(has_waited=now - self._waiting_since >= PATIENCE_SECONDS)
        except QueueError as trouble:
            return not_compared(trouble)
        return without_history(error, halt)

    async def _trust_redis(self, *, has_waited: bool) -> None:
        """Go on with a run of Redis that was compared before, and after some patience with any."""
        run_id = await self._redis.run_id()
        if run_id == await self._redis.checked_run():
            if not self._gate.is_open_to(run_id):
                self._gate.open(run_id, least=None)
        elif has_waited:
            await self._mark_checked(run_id)
            self._gate.open(run_id, least=None)

    async def _mark_checked(self, run_id: str, comparison: Comparison | None = None) -> None:
        if run_id != self._checked_run:
            before = await self._redis.checked_run()
            if run_id != before:
                forgets_no_lease = comparison is not None and await self._forgets_no_lease(run_id, before, comparison)
                await self._redis.mark_checked(run_id, forgets_no_lease=forgets_no_lease)
        self._checked_run = run_id

    async def _forgets_no_lease(self, run_id: str, before: str, comparison: Comparison) -> bool:
        """Whether nobody can count on a lease that this run of Redis does not know of.

        History is not told of leases; but a Redis that keeps all it answers, and knows all that history knows, has
        come from no older file. One that history knows nothing of may have been lost all the same, unless it knows
        which run of it was compared `before`, or is the first that anybody met.
        """
        match comparison.verdict:
            case Verdict.AGREES if comparison.position.counter or before:
                return await self._redis.loses_nothing()
            case Verdict.AGREES | Verdict.NEW:
                return run_id == self._first_run
            case _:
                return False


def _counts(plan: MendPlan) -> dict[str, int]:
    return {action.value: number for action, number in Counter(step.action for step in plan.steps).items()}


def _nobody() -> None:
    """Nobody listens yet."""
