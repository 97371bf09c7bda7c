"""The product's worker with its lease, its hands and its attempts; only the command and the brokerage are ours.

An event's data say how each of its attempts goes (`script`); the last one is repeated. The brokerage writes down the
orders that it is sent, with the number of the lease that they were sent under.
"""

import asyncio
import os
import signal
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from broker_connector_base import OrderRequest, OrderType, Side, TimeInForce
from chaos.actors.names import LEASE_SECONDS
from chaos.actors.stage import SteppedClock, open_queue, play, tell, wall_ms
from chaos.points import Points
from event_processor.attempt import CommandOutcome, Completed, Delayed, Skipped
from event_processor.attempts import Attempts
from event_processor.audit_trail import AuditTrail
from event_processor.history_gate import HistoryGate
from event_processor.lease_guard import LeaseGuard
from event_processor.lease_holder import LeaseHolder
from event_processor.lease_keeper import LeaseKeeper
from event_processor.stop_limits import StopLimits
from event_processor.trading_halt import TradingHalt
from event_processor.worker import Worker
from event_processor.worker_status import WorkerStatus
from event_queue.errors import CorruptQueue, QueueUnavailable
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue
from service_runtime.clock import Clock
from service_runtime.settings import ProcessingSettings

_RESTART_SECONDS = 0.05
_PATIENCE_SECONDS = 5.0
_LOOK_SECONDS = 0.05
_LEGS = ((Side.SELL, "AAA"), (Side.BUY, "BBB"))


class ScriptedFailure(QueueUnavailable):
    """An attempt that fails in the way that is tried again soonest."""


class Commands:
    """In place of the product's commands: does what the event's data say."""

    def __init__(self, gate: HistoryGate, clock: Clock, points: Points, args: Mapping[str, Any]) -> None:
        self._gate = gate
        self._clock = clock
        self._points = points
        self.fence = 0
        """Number of the present lease."""
        self.since_ms = 0.0
        """When it was had."""
        self._work_seconds: float = args["work_seconds"]
        self._delayed: set[UUID] = set()
        self._kills_for_poison: bool = args.get("kills_for_poison", False)

    async def run(self, event: RebalanceEvent, *, recorder: AuditTrail, guard: LeaseGuard) -> CommandOutcome:
        """One attempt. What the product asks before a live run alone is asked before each here: all of them trade."""
        await self._gate.require_none()
        script = cast("list[str]", event.data["script"])
        step = script[min(event.times_queued, len(script)) - 1]
        if step == "poison" and self._kills_for_poison:
            os.kill(os.getpid(), signal.SIGKILL)
        if step == "delay" and event.event_id not in self._delayed:
            self._delayed.add(event.event_id)
            return Delayed(self._clock.now() + timedelta(milliseconds=30), "as scripted")
        for leg in _LEGS:
            await self._order(event, leg, recorder, guard)
        match step:
            case "fail":
                raise ScriptedFailure(f"as scripted\x00for event {event.event_id}")
            case "skip":
                return Skipped({"skipped": True})
            case _:
                return Completed({"orders": len(_LEGS)})

    async def _order(
        self, event: RebalanceEvent, leg: tuple[Side, str], recorder: AuditTrail, guard: LeaseGuard
    ) -> None:
        request = _request(event, *leg)
        guard.require_running()
        await recorder.intent(request, "as scripted")
        self._points.reach("order:before")
        guard.require_running()
        lease = {"fence": self.fence, "since_ms": self.since_ms}
        tell(order=request.order_ref, account=event.account_id, at_ms=wall_ms(), **lease)
        self._points.reach("order:after")
        await self._clock.pause(self._work_seconds)


class Status(WorkerStatus):
    """The product's status; tells the brokerage which lease its orders come under."""

    def __init__(self, commands: Commands) -> None:
        super().__init__()
        self._commands = commands

    def holding(self, lease: Lease | None) -> None:
        """The worker has the lease, or no longer has one."""
        super().holding(lease)
        if lease is not None:
            self._commands.fence, self._commands.since_ms = lease.fence, wall_ms()
            tell(lease=lease.fence)


def main(args: Mapping[str, Any]) -> int:
    """Work until SIGTERM."""
    return play(args, _act)


async def _act(args: Mapping[str, Any], points: Points) -> int:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    clock = SteppedClock(timedelta(hours=args.get("clock_step_hours", 0)))
    async with open_queue(args) as queue:
        worker = _worker(args, queue, points, stop, clock)
        while not stop.is_set():
            working = asyncio.ensure_future(worker.run())
            points.on_cancel = working.cancel
            await asyncio.wait({working})
            if working.cancelled():
                tell(cancelled=True)
            elif error := working.exception():
                tell(failed=_words_of(error))
                await clock.pause(_RESTART_SECONDS)
                return 1
    tell(stopped=True)
    return 0


def _words_of(error: BaseException) -> str:
    """What the product refuses to work with; anything else is a traceback, which is a finding.

    Raises:
        BaseException: it is no refusal of the product.
    """
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    if not isinstance(error, CorruptQueue):
        raise error
    return str(error)


def _worker(args: Mapping[str, Any], queue: RedisQueue, points: Points, stop: asyncio.Event, clock: Clock) -> Worker:
    gate = HistoryGate(
        TradingHalt(queue.components),
        queue.mending,
        queue.components,
        patience_seconds=_PATIENCE_SECONDS,
        longest_silence_seconds=_LOOK_SECONDS,
    )
    commands = Commands(gate, clock, points, args)
    guard, limits = LeaseGuard(stop), StopLimits(stop)
    lease = timedelta(seconds=args.get("lease_seconds", LEASE_SECONDS))
    runner: Any = commands
    return Worker(
        queue=queue.worker,
        attempts=Attempts(commands=runner, guard=guard, limits=limits, grace_seconds=0.1),
        keeper=LeaseKeeper(queue.worker, clock, guard, LeaseHolder.this_process(), lease),
        guard=guard,
        clock=clock,
        settings=ProcessingSettings(
            concurrency=args["hands"],
            pause_connection_seconds=0.02,
            pause_unexpected_seconds=0.3,
            pause_rejected_seconds=0.02,
        ),
        status=Status(commands),
        stop=stop,
        limits=limits,
        take_charge=queue.verify,
    )


def _request(event: RebalanceEvent, side: Side, symbol: str) -> OrderRequest:
    return OrderRequest(
        account_id=event.account_id,
        symbol=symbol,
        side=side,
        quantity=1,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        order_ref=f"{event.event_id}:{event.times_queued}:{side}:{symbol}",
    )
