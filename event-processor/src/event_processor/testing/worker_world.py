"""A worker with everything around it: the queue on a Redis, a paper brokerage, an allocations API in memory."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx

from broker_connector_base.testing import PaperBroker, PaperBrokerage
from event_processor.allocations import AllocationsClient
from event_processor.attempts import Attempts
from event_processor.broker_session import BrokerSession
from event_processor.commands import CommandRunner
from event_processor.fill_watch import FillWatch
from event_processor.history_gate import HistoryGate
from event_processor.lease_guard import LeaseGuard
from event_processor.lease_holder import LeaseHolder
from event_processor.lease_keeper import LeaseKeeper
from event_processor.live_permission import LivePermission
from event_processor.stop_limits import StopLimits
from event_processor.target_source import TargetSource
from event_processor.testing.hand_clock import HandClock
from event_processor.testing.scenario import ACCOUNT
from event_processor.trading_halt import TradingHalt
from event_processor.worker import Worker
from event_processor.worker_status import WorkerStatus
from event_queue.audit import AuditKind, AuditRecord
from event_queue.events import Command, RebalanceEvent
from event_queue.outcomes import LivingEvent
from event_queue.redis_queue import RedisQueue
from service_runtime.accounts import AccountConfig, Accounts, NotificationConfig, RebalancingConfig
from service_runtime.settings import AllocationsSettings, OrdersSettings, ProcessingSettings, TradingMode

PROCESSING = ProcessingSettings(lease_seconds=10, shutdown_grace_seconds=0.2)
_READ_BLOCK = timedelta(seconds=1)

Answer = Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]


class WorkerWorld:
    """One account on one channel. Change what a field holds before `running` to tell another story."""

    def __init__(self, queue: RedisQueue, brokerage: PaperBrokerage, clock: HandClock) -> None:
        self.queue = queue
        self.brokerage = brokerage
        self.clock = clock
        self.orders = OrdersSettings(fill_timeout_seconds=5, cancel_timeout_seconds=5)
        self.processing = PROCESSING
        self.trading_mode = TradingMode.PAPER
        self.accounts = Accounts({ACCOUNT: account_config(ACCOUNT)}, frozenset({"DU9"}))
        self.answer: Answer = answer_with({"AAA": 0.3, "BBB": 0.3, "CCC": 0.4})
        self.status = WorkerStatus()
        self.stop = asyncio.Event()
        self.broker = PaperBroker(brokerage)
        self._read_through = "0-0"

    async def enqueue(self, command: Command = Command.REBALANCE, account_id: str = ACCOUNT) -> RebalanceEvent:
        """Put an event into the queue."""
        event = RebalanceEvent.new(
            account_id=account_id, exec_command=command, source="api", now=self.clock.now(), data={"note": [1, "a"]}
        )
        await self.queue.intake.enqueue(event)
        return event

    async def make_older(self, event: RebalanceEvent, seconds: int) -> None:
        """Let the event have been taken in earlier, by the clock of Redis."""
        await self.queue.client.execute_command("ZINCRBY", self.queue.keys.ages, -1000 * seconds, str(event.event_id))

    async def living(self, event: RebalanceEvent) -> LivingEvent:
        """Where the event is now; it must not have ended."""
        found = await self.queue.admin.get_event(event.event_id)
        if found is None:
            raise LookupError(f"event {event.event_id} has ended")
        return found

    async def next_record(self, *kinds: AuditKind) -> AuditRecord:
        """Wait for the next audit record of one of these kinds, passing over others."""
        while True:
            for record in await self.queue.outbox.read(self._read_through, limit=1, block=_READ_BLOCK):
                self._read_through = record.stream_id
                if record.kind in kinds:
                    return record

    async def all_kinds(self) -> list[AuditKind]:
        """The kinds of all audit records so far."""
        return [record.kind for record in await self.records()]

    async def records(self) -> Sequence[AuditRecord]:
        """All audit records so far."""
        return await self.queue.outbox.read("0-0", limit=1000, block=_READ_BLOCK)

    def drop_connection(self) -> None:
        """Break the worker's connection to the brokerage; it may connect again at once."""
        self.broker.lose_connection()

    @asynccontextmanager
    async def running(self, *, started_at: float = 1.0) -> AsyncGenerator["asyncio.Task[None]"]:
        """Run a worker, as a process that started at that moment; at the end of the block it is stopped."""
        self.stop = asyncio.Event()
        async with httpx.AsyncClient(transport=httpx.MockTransport(self._respond)) as http:
            task = asyncio.create_task(self._worker(http, started_at).run())
            try:
                yield task
            finally:
                self.stop.set()
                await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled():
            task.result()

    def _worker(self, http: httpx.AsyncClient, started_at: float) -> Worker:
        guard, limits = LeaseGuard(self.stop), StopLimits(self.stop)
        ttl = timedelta(seconds=self.processing.lease_seconds)
        self.broker = PaperBroker(self.brokerage)
        session = BrokerSession(self.broker, self.clock, reconnect_seconds=30)
        return Worker(
            queue=self.queue.worker,
            attempts=Attempts(
                commands=self._commands(http, session),
                guard=guard,
                limits=limits,
                grace_seconds=self.processing.shutdown_grace_seconds,
            ),
            keeper=LeaseKeeper(self.queue.worker, self.clock, guard, LeaseHolder("host", "space", 1, started_at), ttl),
            guard=guard,
            clock=self.clock,
            settings=self.processing,
            status=self.status,
            stop=self.stop,
            limits=limits,
            while_leading=(session.watch,),
            keep_books=(FillWatch(session).run,),
            step_down=session.close,
        )

    def _commands(self, http: httpx.AsyncClient, session: BrokerSession) -> CommandRunner:
        allocations = AllocationsSettings(base_url="http://allocations.test/v1", timeout_seconds=5)
        return CommandRunner(
            accounts=self.accounts,
            brokers={"ibkr": session},
            targets=TargetSource(AllocationsClient(http, allocations), {}),
            orders=self.orders,
            trading_mode=self.trading_mode,
            permission=LivePermission(self._gate(), self.queue.trading),
            age_of=self.queue.worker.age_of,
            clock=self.clock,
            max_event_age_seconds=self.processing.max_event_age_seconds,
        )

    def _gate(self) -> HistoryGate:
        return HistoryGate(TradingHalt(self.queue.components), self.queue.mending, self.queue.components, 0)

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        return await self.answer(request)


def account_config(account_id: str) -> AccountConfig:
    """An account with a reserve of 1 %."""
    return AccountConfig(
        account_id=account_id,
        notification=NotificationConfig(channel="channel 1"),
        rebalancing=RebalancingConfig(equity_reserve_percentage=Decimal(1)),
    )


def answer_with(weights: Mapping[str, Any], *, status_code: int = 200) -> Answer:
    """An allocations API that publishes these weights."""
    items = [{"symbol": symbol, "allocation": weight} for symbol, weight in weights.items()]
    body = {"status": "success", "data": {"allocations": items, "name": "blend", "as_of": "2099-03-01"}}

    async def respond(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status_code, json=body)

    return respond
