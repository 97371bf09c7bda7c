"""What the buys may cost, once the sells are done."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import structlog

from broker_connector_base import BrokerClient, OrderRejected
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
    """Sizes the buys on what the sells really brought."""

    broker: BrokerClient
    planning: Planning
    cash_wait_seconds: float

    async def buys(self, sells: Sequence[SentOrder]) -> tuple[Trade, ...]:
        """The plan's own buys when nothing was sold, else buys planned anew from real cash and executions.

        Cash is the lower of what the fills say and what the brokerage reports, so that neither a late figure nor a
        fill that it does not honour is spent. In a cash account the proceeds of these sells may be spent, unsettled
        cash of earlier ones may not.
        """
        proceeds = sum((order.result.cash_effect for order in sells), _ZERO)
        if not any(order.result.fills for order in sells):
            return plan_buys(self.planning.plan, self._held_after(()), self._spendable)
        snapshot = self.planning.snapshot
        reported = await self.broker.await_cash(
            snapshot.account_id, at_least=snapshot.cash + proceeds, timeout_seconds=self.cash_wait_seconds
        )
        spendable = min(self._spendable + proceeds, reported)
        _log.info("sells_done", proceeds=str(proceeds), cash_reported=str(reported), spendable=str(spendable))
        return plan_buys(self.planning.plan, self._held_after(sells), spendable)

    @property
    def _spendable(self) -> Decimal:
        return self.planning.snapshot.spendable_cash

    def _held_after(self, sells: Sequence[SentOrder]) -> Mapping[str, Decimal]:
        """Shares by symbol of what may be traded, by the executions of the sells; positions at the brokerage lag them.

        Plans know nothing of other instruments of the same name.
        """
        held: defaultdict[str, Decimal] = defaultdict(Decimal)
        for position in self.planning.snapshot.positions:
            if position.is_tradeable:
                held[position.symbol] += position.quantity
        for order in sells:
            held[order.trade.symbol] += order.trade.side.sign * order.result.filled_quantity
        return held
