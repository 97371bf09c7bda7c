"""Making a live plan that may be acted on: the market open, the plan complete, and only then the table cleared."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog

from broker_connector_base import AccountSnapshot, BrokerClient, CancellationUnconfirmed, Fill, OpenOrder
from event_processor.market_hours import ClosedUntil, Open, market_state
from event_processor.order_style import choose_style
from event_processor.rebalancer.clearance import Clearance, describe
from event_processor.rebalancer.day_trading import Blocked, DayTradingGuard
from event_processor.rebalancer.planning import Planning, make_plan, needed_symbols, target_symbols
from event_processor.rebalancer.ports import Clock, Recorder
from event_processor.rebalancer.price_reader import EarlyPrices, PriceReader
from event_processor.side_by_side import both, started
from rebalance_calculator import TargetWeight
from service_runtime.accounts import AccountConfig
from service_runtime.settings import OrdersSettings

_log = structlog.get_logger(__name__)

_MOST_CLEARANCES: Final = 2
"""Orders that keep appearing are placed by somebody: two rounds, then the event fails."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A plan on an account without open orders, in a market that is open."""

    planning: Planning
    market: Open
    cancelled: tuple[OpenOrder, ...]
    known_refs: frozenset[str]
    """References of orders that were open or executed today."""


NotNow = ClosedUntil | Blocked
"""Why an attempt ends without having touched anything."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """An account as the plan will find it; the snapshot is younger than the list of open orders."""

    snapshot: AccountSnapshot
    open_orders: tuple[OpenOrder, ...]
    fills: tuple[Fill, ...]

    @property
    def known_refs(self) -> frozenset[str]:
        """References of all orders that are open or were executed today."""
        return frozenset(each.order_ref for each in (*self.open_orders, *self.fills))


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePlanning:
    """Prepares one attempt of one event."""

    broker: BrokerClient
    clock: Clock
    recorder: Recorder
    clearance: Clearance
    prices: PriceReader
    account: AccountConfig
    event_id: UUID
    orders: OrdersSettings

    async def prepare(self, weights: Coroutine[Any, Any, tuple[TargetWeight, ...]]) -> Ready | NotNow:
        """Plan, clear the account of open orders, and plan again if there were any.

        Errors come before everything that touches the account: weights first, then the account, hours and prices.

        Raises:
            ForeignOrderOpen: an order of somebody else could not be cancelled; nothing was placed.
            CancellationUnconfirmed: an open order may still be alive; nothing was placed.
        """
        async with started(self._look()) as looking:
            published = await weights
            targets = target_symbols(self.account, published)
            async with started(self.prices.live(targets)) as asked:
                early = EarlyPrices(targets, asked)
                return await self._prepare(published, await looking, early)

    async def _prepare(self, published: tuple[TargetWeight, ...], scene: _Scene, early: EarlyPrices) -> Ready | NotNow:
        cancelled: tuple[OpenOrder, ...] = ()
        known_refs = scene.known_refs
        for clearances_left in range(_MOST_CLEARANCES, -1, -1):
            planned = await self._plan(scene, published, None if cancelled else early)
            if isinstance(planned, (ClosedUntil, Blocked)):
                return planned
            if not scene.open_orders:
                return Ready(*planned, cancelled, known_refs)
            if not clearances_left:
                break
            await self.clearance.cancel_all(scene.open_orders)
            cancelled += scene.open_orders
            scene = await self._look()
            known_refs |= scene.known_refs
        raise CancellationUnconfirmed(
            f"account {self.account.account_id}: new orders kept appearing while open ones were cancelled, "
            f"of late {'; '.join(describe(order) for order in scene.open_orders[-3:])}; nothing was placed"
        )

    async def _look(self) -> _Scene:
        """Open orders first, the snapshot after them, so that it includes whatever they did."""
        account_id = self.account.account_id
        open_orders = await self.broker.get_open_orders(account_id)
        snapshot, fills = await both(self.broker.get_account_snapshot(account_id), self.broker.get_fills(account_id))
        await self._note_earlier(fills)
        return _Scene(snapshot, open_orders, fills)

    async def _note_earlier(self, fills: tuple[Fill, ...]) -> None:
        """Have the account's executions written down, and say which of them are of another attempt of this very event.

        Those of other events as well: what was told while Redis did not know its event is told here once more.
        """
        earlier = tuple(fill for fill in fills if fill.order_ref.startswith(f"{self.event_id}:"))
        if earlier:
            _log.info("earlier_fills_found", fills=[f"{fill.order_ref} {fill.quantity}" for fill in earlier])
        if fills:
            await self.recorder.earlier_fills(fills)

    async def _plan(
        self, scene: _Scene, weights: tuple[TargetWeight, ...], early: EarlyPrices | None
    ) -> tuple[Planning, Open] | NotNow:
        """Ask for hours and prices together; a closed market needs no prices, and may well have none."""
        snapshot = scene.snapshot
        symbols = needed_symbols(self.account, snapshot, weights)
        asking = self.prices.complete(early, symbols) if early else self.prices.live(symbols)
        async with started(asking) as prices:
            hours = await self.broker.get_trading_hours(symbols)
            now = self.clock.now()
            market = market_state(hours, now, extended=self.orders.extended_hours_enabled)
            if isinstance(market, ClosedUntil):
                return market
            if blocked := (await self._day_trading_guard(scene)).check(snapshot, hours, now):
                return blocked
            style = choose_style(self.orders, market, now)
            return make_plan(self.account, snapshot, weights, await prices, style), market

    async def _day_trading_guard(self, scene: _Scene) -> DayTradingGuard:
        last = await self.recorder.last_trade() if self.account.pdt_protection_enabled else None
        return DayTradingGuard(account=self.account, event_id=self.event_id, last=last, known_refs=scene.known_refs)
