"""Carrying out a rebalance, or showing it."""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from broker_connector_base import AccountSnapshot, BrokerClient, BrokerError, OrderRejected
from event_processor.errors import HoursUnknown
from event_processor.market_hours import ClosedUntil, MarketState, market_state
from event_processor.rebalancer.clearance import Clearance
from event_processor.rebalancer.funding import CASH_WAIT_SECONDS, Funding, refuse_after_rejection
from event_processor.rebalancer.live_planning import LivePlanning
from event_processor.rebalancer.order_desk import OrderDesk
from event_processor.rebalancer.outcome import LiveRun, Preview, SentOrder
from event_processor.rebalancer.planning import make_plan, needed_symbols
from event_processor.rebalancer.ports import Clock, Guard, Recorder
from event_processor.side_by_side import both
from rebalance_calculator import TargetWeight
from service_runtime.accounts import AccountConfig
from service_runtime.settings import OrdersSettings

_log = structlog.get_logger(__name__)

FetchWeights = Coroutine[Any, Any, tuple[TargetWeight, ...]]
"""Target weights on their way, replacements applied; awaited exactly once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebalancer:
    """Rebalances accounts of one brokerage; holds no state between calls."""

    broker: BrokerClient
    clock: Clock
    orders: OrdersSettings
    recorder: Recorder
    guard: Guard
    cash_wait_seconds: float = CASH_WAIT_SECONDS

    async def preview(self, account: AccountConfig, weights: FetchWeights) -> Preview:
        """Plan without touching anything; prices may be as old as the previous close.

        Raises:
            BrokerError: a part of the account or a price is missing.
            CalculationError: no plan can be made.
        """
        published, snapshot = await both(weights, self.broker.get_account_snapshot(account.account_id))
        symbols = needed_symbols(account, snapshot, published)
        prices, market = await both(
            self.broker.get_market_prices(symbols, allow_previous_close=True), self._market(symbols)
        )
        return Preview(make_plan(account, snapshot, published, prices), market)

    async def execute(
        self, account: AccountConfig, weights: FetchWeights, *, event_id: UUID, attempt: int
    ) -> LiveRun | ClosedUntil:
        """Carry out a rebalance: clear, sell, see what came in, buy.

        May be repeated after a crash at any point: every attempt starts from what the account then is.

        Returns:
            What was done, or until when the market is closed, in which case nothing was touched.

        Raises:
            OrderExecutionError: an order was refused or its fate is unknown; nothing was bought on its proceeds.
            BrokerError, CalculationError: no complete plan; nothing was touched.
            LeaseLost, Stopping: the work was cut short.
        """
        ready = await self._live_planning(account, event_id).prepare(weights)
        if isinstance(ready, ClosedUntil):
            return ready
        desk = self._desk(account, event_id, attempt)
        sells = await desk.carry_out(ready.planning.plan.sells, regular_hours=ready.market.regular)
        refuse_after_rejection(sells)
        planned = await Funding(self.broker, ready.planning, self.cash_wait_seconds).buys(sells)
        buys = await desk.carry_out(planned, regular_hours=ready.market.regular)
        _refuse_if_all_rejected(buys)
        after = await self._look_back(account.account_id) if sells or buys else ready.planning.snapshot
        return LiveRun(planning=ready.planning, orders=(*sells, *buys), cancelled=ready.cancelled, after=after)

    def _live_planning(self, account: AccountConfig, event_id: UUID) -> LivePlanning:
        return LivePlanning(
            broker=self.broker,
            clock=self.clock,
            recorder=self.recorder,
            clearance=Clearance(self.broker, self.guard, self.orders.cancel_timeout_seconds),
            account=account,
            event_id=event_id,
            extended_hours=self.orders.extended_hours_enabled,
        )

    def _desk(self, account: AccountConfig, event_id: UUID, attempt: int) -> OrderDesk:
        return OrderDesk(
            broker=self.broker,
            settings=self.orders,
            recorder=self.recorder,
            guard=self.guard,
            account_id=account.account_id,
            order_ref=lambda side, symbol: f"{event_id}:{attempt}:{side}:{symbol}",
        )

    async def _market(self, symbols: Sequence[str]) -> MarketState | None:
        hours = await self.broker.get_trading_hours(symbols)
        try:
            return market_state(hours, self.clock.now(), extended=self.orders.extended_hours_enabled)
        except HoursUnknown as error:
            _log.warning("market_hours_unknown", reason=str(error))
            return None

    async def _look_back(self, account_id: str) -> AccountSnapshot | None:
        """The account afterwards, for the report only: its absence undoes nothing."""
        try:
            return await self.broker.get_account_snapshot(account_id)
        except BrokerError as error:
            _log.warning("account_not_read_afterwards", reason=str(error))
            return None


def _refuse_if_all_rejected(buys: Sequence[SentOrder]) -> None:
    """When every buy was refused the run has failed; when some went through it has succeeded in part.

    Raises:
        OrderRejected: with the broker's words for each.
    """
    if buys and all(order.is_rejected and not order.result.fills for order in buys):
        raise OrderRejected(f"every buy was rejected: {'; '.join(order.describe() for order in buys)}")
