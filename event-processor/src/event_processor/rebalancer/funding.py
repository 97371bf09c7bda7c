"""What the buys may cost, once the sells are done."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import structlog

from broker_connector_base import AccountPosition, BrokerClient, OrderRejected
from event_processor.rebalancer.outcome import SentOrder
from event_processor.rebalancer.planning import Planning
from rebalance_calculator import Trade, plan_buys

_log = structlog.get_logger(__name__)

CASH_WAIT_SECONDS: Final = 10.0
"""How long the brokerage's own cash figure may lag the fills; then the lower of the two figures counts."""
_ZERO: Final = Decimal(0)


def refuse_after_rejection(sells: Sequence[SentOrder]) -> None:
    """Refuse to buy when a sell was rejected: the cash it was to bring is missing, and somebody must look.

    Raises:
        OrderRejected: with the broker's words for each.
    """
    rejected = [order.describe() for order in sells if order.is_rejected]
    if rejected:
        raise OrderRejected(f"sells were rejected, nothing was bought: {'; '.join(rejected)}")


@dataclass(frozen=True, slots=True)
class Funding:
    """Sizes the buys on what the sells really brought, and on what is held by then, whoever traded meanwhile."""

    broker: BrokerClient
    planning: Planning
    cash_wait_seconds: float

    async def buys(self, sells: Sequence[SentOrder]) -> tuple[Trade, ...]:
        """The plan's own buys when there were no sells, else buys planned anew from real cash and positions.

        Cash is the lower of what was traded and what the brokerage reports, so that neither a late figure nor a fill
        that it does not honour is spent. In a cash account the proceeds of these sells may be spent, unsettled cash
        of other ones may not.
        """
        if not sells:
            return plan_buys(self.planning.plan, self._held_before, self.planning.snapshot.spendable_cash)
        snapshot = self.planning.snapshot
        held = _by_symbol(
            await self.broker.get_positions_after_trading(snapshot.account_id, timeout_seconds=self.cash_wait_seconds)
        )
        proceeds = sum((order.result.cash_effect for order in sells), _ZERO) + self._brought_by_others(sells, held)
        reported = await self.broker.await_cash(
            snapshot.account_id, at_least=snapshot.cash + proceeds, timeout_seconds=self.cash_wait_seconds
        )
        spendable = min(snapshot.spendable_cash + proceeds, reported)
        _log.info("sells_done", proceeds=str(proceeds), cash_reported=str(reported), spendable=str(spendable))
        return plan_buys(self.planning.plan, held, spendable)

    @property
    def _held_before(self) -> Mapping[str, Decimal]:
        return _by_symbol(self.planning.snapshot.positions)

    def _brought_by_others(self, sells: Sequence[SentOrder], held: Mapping[str, Decimal]) -> Decimal:
        """US dollars that trades of others have brought or, below 0, cost, at the prices of the plan.

        Theirs is every share held more or less than before and by the executions of the sells. Cash may tell of them
        later than positions do, so what they bought is taken off at once. What they sold counts as far as cash shows
        it, and in a cash account not at all: it has not settled.
        """
        expected = self._held_after(sells)
        sold = {
            target.symbol: shares
            for target in self.planning.plan.targets
            if (shares := expected.get(target.symbol, _ZERO) - held.get(target.symbol, _ZERO))
        }
        if not sold:
            return _ZERO
        _log.warning("positions_changed_by_others", sold={symbol: str(shares) for symbol, shares in sold.items()})
        prices = self.planning.prices
        brought = sum((shares * prices[symbol].price for symbol, shares in sold.items()), _ZERO)
        return min(brought, _ZERO) if self.planning.snapshot.is_cash_account else brought

    def _held_after(self, sells: Sequence[SentOrder]) -> Mapping[str, Decimal]:
        """Shares by symbol if nobody but these sells changed them."""
        held = defaultdict(Decimal, self._held_before)
        for order in sells:
            held[order.trade.symbol] += order.trade.side.sign * order.result.filled_quantity
        return held


def _by_symbol(positions: Iterable[AccountPosition]) -> Mapping[str, Decimal]:
    """Shares by symbol of what may be traded; plans know nothing of other instruments of the same name."""
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    for position in positions:
        if position.is_tradeable:
            held[position.symbol] += position.quantity
    return held
