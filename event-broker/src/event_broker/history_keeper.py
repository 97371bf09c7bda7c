"""Whether Redis and PostgreSQL tell of one past: looked at each second, put right or reported as `history`.

An emptied Redis is rebuilt here at once. One that went back in time is halted, and waits for an operator's
`rebalancer resync`, and so is one that lost single keys. PostgreSQL being away is no contradiction: trading goes on.

Facts: verdict, halt, checked (whether this run of Redis was compared).
Log events: queue_rebuilt (with the number of events by what happened to them), history_trouble (verdict=, reason=).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from event_broker.past_gate import PastGate
from event_broker.spill_keeper import SpillKeeper
from event_broker.until_stopped import end_task
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


@dataclass(frozen=True, slots=True)
class _Finding:
    """What the latest look showed."""

    state: ComponentState
    detail: str
    verdict: Verdict | None = None
    halt: str = ""
    may_carry: bool = True
    """Whether records may be carried to PostgreSQL."""


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
        self._finding = _Finding(ComponentState.OK, "Starting.")
        self._checked_run = ""
        self._told_until: datetime | None = None
        self._waiting_since: float | None = None
        self._met_run = ""
        """The run of Redis to which we carry nothing any more from an earlier one."""
        self._fenced_run = ""
        """The run of Redis to which nobody does, as history knows."""
        self._taught_run = ""
        """The halted run that takes signals in: it knows again which it has seen."""
        self._may_carry = asyncio.Event()
        self._changed = asyncio.Event()
        self._carries_nothing = asyncio.Event()
        self._carries_nothing.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            found = await self._look()
            if found.detail != self._finding.detail and found.state is not ComponentState.OK:
                _log.warning("history_trouble", verdict=found.verdict, reason=found.detail)
            self._allow_carrying(allowed=found.may_carry)
            if found != self._finding:
                self._finding = found
                self.changed()
            await self._clock.pause(LOOK_SECONDS)

    async def beside(self, carry: Callable[[], Coroutine[None, None, None]]) -> None:
        """Carry records from the first look on, for as long as the two do not contradict each other; until cancelled.

        Once they agree again carrying starts anew, at once.
        """
        while True:
            await self._may_carry.wait()
            self._carries_nothing.clear()
            try:
                async with asyncio.TaskGroup() as group:
                    work = group.create_task(carry())
                    while self._may_carry.is_set():
                        await self._changed.wait()
                    await end_task(work)
            finally:
                self._carries_nothing.set()

    def _allow_carrying(self, *, allowed: bool) -> None:
        if allowed != self._may_carry.is_set():
            (self._may_carry.set if allowed else self._may_carry.clear)()
            self._changed.set()
            self._changed.clear()

    def report(self) -> ComponentReport:
        """What the latest look showed."""
        found = self._finding
        facts = {"verdict": found.verdict, "halt": found.halt or None, "checked": bool(self._checked_run)}
        return ComponentReport(COMPONENT, found.state, found.detail, facts, self._clock.now())

    async def _look(self) -> _Finding:
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
            return _Finding(ComponentState.DEGRADED, f"Redis could not be compared with history: {error}")
        if comparison.history_knows_all:
            self._told_until = looked_at
        return finding

    async def _meet(self, run_id: str) -> None:
        """Before a run of Redis is compared, nothing that was read from the one before it may be on its way.

        That goes for other event-brokers too, which may not have seen yet that it is another run.
        """
        if run_id != self._met_run:
            await self._stop_carrying()
            if run_id == await self._redis.checked_run():
                self._fenced_run = run_id
            else:
                await self._redis.rewrite_log()
            self._met_run = run_id
        if run_id != self._fenced_run:
            await self._mender.fence()
            self._fenced_run = run_id

    async def _stop_carrying(self) -> None:
        self._allow_carrying(allowed=False)
        await self._carries_nothing.wait()

    async def _judge(self, comparison: Comparison, run_id: str) -> _Finding:
        self._waiting_since = None
        verdict, halt = comparison.verdict, comparison.survey.halt
        if verdict is Verdict.REDIS_LOST or halt.startswith(CLOSED):
            return await self._rebuild(run_id)
        if comparison.needs_mending:
            return await self._halt(comparison, run_id)
        self._taught_run = ""
        if verdict is Verdict.NEW:
            await self._mender.open_if_new()
        await self._mark_checked(run_id)
        self._gate.open(run_id, least=comparison.position.counter)
        if verdict is Verdict.HISTORY_LOST:
            words = (
                "PostgreSQL has lost records that Redis no longer holds: trading goes on. "
                "Run `rebalancer resync`, so that it learns again what is in the queue."
            )
            return _Finding(ComponentState.DEGRADED, words, verdict)
        return _Finding(ComponentState.OK, "Redis and PostgreSQL agree.", verdict)

    async def _rebuild(self, run_id: str) -> _Finding:
        self._close_gate("Redis was emptied, and is rebuilt from history first")
        if self._files.may_hold_records:
            words = "Redis was emptied; it is rebuilt once the records spilled to disk are in PostgreSQL."
            return _Finding(ComponentState.DOWN, words, Verdict.REDIS_LOST)
        # What is read before its records are numbered behind those of history would contradict it.
        await self._stop_carrying()
        plan = await self._mender.mend()
        self._gate.open(run_id, least=plan.comparison.position.counter)
        _log.warning("queue_rebuilt", **_counts(plan), last_stored=plan.comparison.position.counter)
        return _Finding(ComponentState.OK, "Redis was emptied, and has been rebuilt from PostgreSQL.", Verdict.AGREES)

    async def _halt(self, comparison: Comparison, run_id: str) -> _Finding:
        if not comparison.survey.halt:
            await self._mender.halt()
        if not comparison.lacks_keys and self._files.holds_records:
            # The relay stands still, and what Redis has to be put right by may lie in them.
            await self._stop_carrying()
            trouble = await self._carry_files()
            if trouble is not None:
                return trouble
        if run_id != self._taught_run:
            self._close_gate("Redis has lost some of its past, and learns first which messages it has seen")
            await self._mender.remember()
            self._gate.open(run_id, least=None)
            self._taught_run = run_id
        halt = await self._redis.halt_reason()
        return _lacking(halt) if comparison.lacks_keys else _went_back(halt)

    async def _carry_files(self) -> _Finding | None:
        """Bring the files to PostgreSQL; what to report when that cannot be done."""
        try:
            await self._files.carry()
        except (AuditUnavailable, QueueUnavailable):
            raise
        except QueueError as error:
            words = f"Redis is halted, nothing is traded, and records on disk, which go first, wait: {error}"
            return _Finding(ComponentState.DOWN, words, halt=await self._redis.halt_reason(), may_carry=False)
        return None

    def _close_gate(self, reason: str) -> None:
        self._gate.close(reason, told_until=self._told_until)

    async def _without_history(self, error: AuditUnavailable) -> _Finding:
        """PostgreSQL being away must not stop trading; a run of Redis that nobody compared gets a little patience."""
        now = asyncio.get_running_loop().time()
        self._waiting_since = now if self._waiting_since is None else self._waiting_since
        try:
            halt = await self._redis.halt_reason()
            if not halt:
                await self._trust_redis(has_waited=now - self._waiting_since >= PATIENCE_SECONDS)
        except QueueError as trouble:
            return _Finding(ComponentState.DEGRADED, f"Redis could not be compared with history: {trouble}")
        if halt:
            words = (
                f"Redis is halted, nothing is traded, and PostgreSQL, which it takes to put it right, is away: {error}"
            )
            return _Finding(ComponentState.DOWN, words, halt=halt, may_carry=False)
        words = f"Redis cannot be compared with history while PostgreSQL is away, and trading goes on: {error}"
        return _Finding(ComponentState.DEGRADED, words)

    async def _trust_redis(self, *, has_waited: bool) -> None:
        """Go on with a run of Redis that was compared before, and after some patience with any."""
        run_id = await self._redis.run_id()
        if run_id == await self._redis.checked_run():
            if not self._gate.is_open_to(run_id):
                self._gate.open(run_id, least=None)
        elif has_waited:
            await self._mark_checked(run_id)
            self._gate.open(run_id, least=None)

    async def _mark_checked(self, run_id: str) -> None:
        if run_id != self._checked_run and run_id != await self._redis.checked_run():
            await self._redis.mark_checked(run_id)
        self._checked_run = run_id


def _lacking(halt: str) -> _Finding:
    """Records are carried on: it takes all of them to bring the events back."""
    words = (
        "Redis lost some of the keys that hold its events, and nothing is traded. See that it evicts nothing "
        "(maxmemory-policy noeviction) and who else writes to it, look at `rebalancer resync --dry-run`, then run "
        "`rebalancer resync`."
    )
    return _Finding(ComponentState.DOWN, words, Verdict.KEYS_LOST, halt)


def _went_back(halt: str) -> _Finding:
    words = (
        "Redis went back in time behind its history, and nothing is traded. Look at `rebalancer resync --dry-run`, "
        "then run `rebalancer resync`."
    )
    return _Finding(ComponentState.DOWN, words, Verdict.REDIS_WENT_BACK, halt, may_carry=False)


def _counts(plan: MendPlan) -> dict[str, int]:
    return {action.value: number for action, number in Counter(step.action for step in plan.steps).items()}


def _nobody() -> None:
    """Nobody listens yet."""
