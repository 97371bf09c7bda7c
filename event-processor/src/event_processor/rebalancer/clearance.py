"""Clearing the account of open orders before anything new is placed."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from broker_connector_base import BrokerClient, ForeignOrderOpen, OpenOrder
from event_processor.rebalancer.ports import Guard
from event_processor.side_by_side import every

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Clearance:
    """Cancels what is open on an account, as far as it is ours to cancel."""

    broker: BrokerClient
    guard: Guard
    timeout_seconds: float

    async def cancel_all(self, orders: Sequence[OpenOrder]) -> None:
        """Cancel orders of ours side by side, each confirmed by the brokerage.

        Raises:
            CancellationUnconfirmed: at least one may still be alive.
        """
        if not orders:
            return
        self.guard.require_running()
        _, errors = await every([self._cancel(order) for order in orders])
        if errors:
            raise errors[0]

    async def _cancel(self, order: OpenOrder) -> None:
        status = await self.broker.cancel_order(order.order_id, timeout_seconds=self.timeout_seconds)
        _log.info("open_order_cancelled", order=describe(order), final_status=status.value)


def refuse_foreign(orders: Sequence[OpenOrder]) -> None:
    """Refuse to trade beside orders that somebody else placed and that we may not cancel.

    Raises:
        ForeignOrderOpen: naming each of them.
    """
    foreign = foreign_of(orders)
    if foreign:
        names = "; ".join(describe(order) for order in foreign)
        raise ForeignOrderOpen(
            f"account {foreign[0].account_id} has open orders that only their owner can cancel: {names}. "
            "Nothing was cancelled or placed; cancel them where they were placed"
        )


def foreign_of(orders: Sequence[OpenOrder]) -> tuple[OpenOrder, ...]:
    """Orders that this connection may not cancel."""
    return tuple(order for order in orders if not order.is_ours)


def describe(order: OpenOrder) -> str:
    """An open order in words: `SELL 10 AAA (order 12 of client 77, LMT, filled 0)`."""
    return (
        f"{order.side} {order.quantity} {order.symbol} "
        f"(order {order.order_id} of {order.owner}, {order.order_type}, filled {order.filled_quantity})"
    )
