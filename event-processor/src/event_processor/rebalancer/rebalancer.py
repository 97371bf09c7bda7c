"""Carrying out a rebalance, or showing it."""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from broker_connector_base import AccountSnapshot, BrokerClient, BrokerError, OrderRejected, TradingHours
from event_processor.errors import HoursUnknown
from event_processor.market_hours import MarketState, Open, market_state
from event_processor.order_style import OrderStyle, choose_style, plain_style
from event_processor.rebalancer.attempt_number import unused_attempt
from event_processor.rebalancer.clearance import Clearance
from event_processor.rebalancer.funding import CASH_WAIT_SECONDS, Funding, refuse_after_rejection
from event_processor.rebalancer.live_planning import LivePlanning, NotNow, Ready
from event_processor.rebalancer.order_desk import REFUSAL_WAIT_SECONDS, OrderDesk
from event_processor.rebalancer.outcome import LiveRun, Preview, SentOrder
from event_processor.rebalancer.planning import make_plan, needed_symbols
from event_processor.rebalancer.ports import Clock, Guard, Recorder
from event_processor.rebalancer.price_reader import PriceReader
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
    price_cache_seconds: float = 0
    cash_wait_seconds: float = CASH_WAIT_SECONDS
    refusal_wait_seconds: float = REFUSAL_WAIT_SECONDS

    async def preview(self, account: AccountConfig, weights: FetchWeights) -> Preview:
        """Plan without touching anything; prices may be as old as the previous close.

        In a closed market the plan is that of a run at the next opening.

        Raises:
            BrokerError: a part of the account or a price is missing.
            CalculationError: no plan can be made.
        """
        published, snapshot = await both(weights, self.broker.get_account_snapshot(account.account_id))
        symbols = needed_symbols(account, snapshot, published)
        prices, hours = await both(self._prices.preview(symbols), self.broker.get_trading_hours(symbols))
        market, style = self._outlook(hours)
        return Preview(make_plan(account, snapshot, published, prices, style), market)

    async def execute(
        self, account: AccountConfig, weights: FetchWeights, *, event_id: UUID, attempt: int
    ) -> LiveRun | NotNow:
        """Carry out a rebalance: clear, sell, see what came in, buy.

        May be repeated after a crash at any point: every attempt starts from what the account then is.

        Returns:
            What was done, or why nothing was touched: the market is closed, or the account has traded today.

        Raises:
            OrderExecutionError: an order was refused or its fate is unknown; nothing was bought on its proceeds.
            BrokerError, CalculationError: no complete plan; nothing was touched.
            TradingPaused: an operator paused the account meanwhile; what had been sent was followed to its end.
            LeaseLost, Stopping: the work was cut short.
        """
        ready = await self._live_planning(account, event_id).prepare(weights)
        if not isinstance(ready, Ready):
            return ready
        number = unused_attempt(event_id, attempt, ready.known_refs)
        desk = self._desk(account, event_id, number, ready.planning.style)
        orders = await self._carry_out(ready, desk)
        after = await self._look_back(account.account_id) if orders else ready.planning.snapshot
        return LiveRun(
            planning=ready.planning,
            orders=orders,
            closes_at=ready.market.closes_at,
            cancelled=ready.cancelled,
            after=after,
        )

    async def _carry_out(self, ready: Ready, desk: OrderDesk) -> tuple[SentOrder, ...]:
        """Sells before the buys that they pay for; all together when all fill at one moment, in the closing auction."""
        plan = ready.planning.plan
        if ready.planning.style.waits_for_close:
            orders = await desk.carry_out(plan.trades)
            _refuse_if_all_rejected("order", orders)
            return orders
        sells = await desk.carry_out(plan.sells)
        refuse_after_rejection(sells)
        buys = await desk.carry_out(await Funding(self.broker, ready.planning, self.cash_wait_seconds).buys(sells))
        _refuse_if_all_rejected("buy", buys)
        return (*sells, *buys)

    @property
    def _prices(self) -> PriceReader:
        return PriceReader(self.broker, self.clock, self.price_cache_seconds)

    def _live_planning(self, account: AccountConfig, event_id: UUID) -> LivePlanning:
        return LivePlanning(
            broker=self.broker,
            clock=self.clock,
            recorder=self.recorder,
            clearance=Clearance(self.broker, self.guard, self.orders.cancel_timeout_seconds),
            prices=self._prices,
            account=account,
            event_id=event_id,
            orders=self.orders,
        )

    def _desk(self, account: AccountConfig, event_id: UUID, attempt: int, style: OrderStyle) -> OrderDesk:
        return OrderDesk(
            broker=self.broker,
            settings=self.orders,
            recorder=self.recorder,
            guard=self.guard,
            account_id=account.account_id,
            order_ref=lambda side, symbol: f"{event_id}:{attempt}:{side}:{symbol}",
            style=style,
            asks_first=account.what_if,
            refusal_wait_seconds=self.refusal_wait_seconds,
        )

    def _outlook(self, hours: Mapping[str, TradingHours]) -> tuple[MarketState | None, OrderStyle]:
        """The market now, and how orders would go out now or at the next opening."""
        now = self.clock.now()
        try:
            market = self._market(hours, now)
            if isinstance(market, Open):
                return market, choose_style(self.orders, market, now)
            opening = self._market(hours, market.opens_at)
        except HoursUnknown as error:
            _log.warning("market_hours_unknown", reason=str(error))
            return None, plain_style(self.orders)
        is_open = isinstance(opening, Open)
        return market, choose_style(self.orders, opening, market.opens_at) if is_open else plain_style(self.orders)

    def _market(self, hours: Mapping[str, TradingHours], moment: datetime) -> MarketState:
        return market_state(hours, moment, extended=self.orders.extended_hours_enabled)

    async def _look_back(self, account_id: str) -> AccountSnapshot | None:
        """The account afterwards, for the report only: its absence undoes nothing."""
        try:
            return await self.broker.get_account_after_trading(account_id)
        except BrokerError as error:
            _log.warning("account_not_read_afterwards", reason=str(error))
            return None


def _refuse_if_all_rejected(what: str, orders: Sequence[SentOrder]) -> None:
    """When every order was refused the run has failed; when some went through it has succeeded in part.

    Raises:
        OrderRejected: with the broker's words for each.
    """
    if orders and all(order.is_rejected and not order.result.fills for order in orders):
        raise OrderRejected(f"every {what} was rejected: {'; '.join(order.describe() for order in orders)}")
