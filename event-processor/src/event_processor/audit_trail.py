"""What an attempt writes down about its orders, in the words of the audit's tables."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from broker_connector_base import Fill, MarginEffect, OrderRequest, OrderResult
from event_processor.hand import Hand
from event_processor.rebalancer import average_price, total_commission, trading_day, waits_for_close
from event_queue.audit import AuditKind
from event_queue.errors import QueueHalted, TradingPaused
from event_queue.events import RebalanceEvent
from event_queue.outcomes import LastTrade


class AuditTrail:
    """Records of one attempt at one event. `orders_intended` tells whether anything may have been sent."""

    def __init__(self, hand: Hand, event: RebalanceEvent) -> None:
        self._hand = hand
        self._event = event
        self.orders_intended = 0

    async def intent(self, request: OrderRequest, reason: str, effect: MarginEffect | None = None) -> None:
        """Write down an order that is about to be sent; no order is sent when this raises.

        Raises:
            TradingPaused: an operator paused the account before this order.
            QueueHalted: Redis contradicts its history.
        """
        self.orders_intended += 1
        try:
            await self._record(AuditKind.ORDER_INTENT, intent_details(request, reason, effect))
        except (TradingPaused, QueueHalted):
            self.orders_intended -= 1
            raise

    async def unsent(self, request: OrderRequest, reason: str) -> None:
        """Write down that an intended order never left."""
        await self._record(AuditKind.ORDER_RESULT, unsent_details(request, reason))

    async def unconfirmed(self, request: OrderRequest, reason: str) -> None:
        """Write down that an intended order was or may have been sent, and that its end was not told."""
        await self._record(AuditKind.ORDER_RESULT, unconfirmed_details(request, reason))

    async def result(self, result: OrderResult) -> None:
        """Write down what became of an order, and each of its fills.

        One that the brokerage has taken for the closing auction uses the trading day up from this record on.
        """
        for fill in result.fills:
            await self._hand.fills.record_found(fill)
        day = trading_day(self._hand.clock.now()) if waits_for_close(result) else None
        await self._record(AuditKind.ORDER_RESULT, result_details(result), day=day)

    async def earlier_fills(self, fills: tuple[Fill, ...]) -> None:
        """Write down executions that an earlier attempt, or event, may not have lived to record."""
        for fill in fills:
            await self._hand.fills.record_found(fill)

    async def last_trade(self) -> LastTrade | None:
        """The account's latest trading day as it was written down."""
        return await self._hand.patiently(lambda: self._hand.queue.last_traded(self._event.account_id))

    async def _record(self, kind: AuditKind, details: Mapping[str, Any], *, day: date | None = None) -> None:
        hand = self._hand
        await hand.patiently(
            lambda: hand.queue.record(hand.lease, hand.slot, self._event, kind, details, trading_day=day)
        )


def intent_details(request: OrderRequest, reason: str, effect: MarginEffect | None = None) -> dict[str, Any]:
    """An order about to be sent; numbers as text, digit by digit."""
    foretold = {} if effect is None else {"margin_effect": effect_details(effect)}
    return {
        **_order_details(request),
        "outside_regular_hours": request.outside_regular_hours,
        "reason": reason,
        **foretold,
    }


def unsent_details(request: OrderRequest, reason: str) -> dict[str, Any]:
    """An order that was written down and never left."""
    return _own_verdict(request, "NOT_SENT", reason, amount="0")


def unconfirmed_details(request: OrderRequest, reason: str) -> dict[str, Any]:
    """An order that was lost sight of; what filled of it is told by its fills."""
    return _own_verdict(request, "UNCONFIRMED", reason, amount=None)


def _own_verdict(request: OrderRequest, status: str, reason: str, *, amount: str | None) -> dict[str, Any]:
    """What is to be said of an order of which the brokerage said nothing, with a status that is no word of its own."""
    return {
        **_order_details(request),
        "status": status,
        "filled_quantity": amount,
        "average_price": None,
        "commission": amount,
        "message": reason,
    }


def effect_details(effect: MarginEffect) -> dict[str, str]:
    """What the broker foretold of an order."""
    return {
        "initial_margin_after": str(effect.initial_margin_after),
        "maintenance_margin_after": str(effect.maintenance_margin_after),
        "equity_with_loan_after": str(effect.equity_with_loan_after),
        "commission": str(effect.commission),
        "warning": effect.warning,
    }


def result_details(result: OrderResult) -> dict[str, Any]:
    """What became of an order."""
    average, commission = average_price(result), total_commission(result)
    return {
        **_order_details(result.request),
        "order_id": result.order_id,
        "status": result.status.value,
        "filled_quantity": str(result.filled_quantity),
        "average_price": None if average is None else str(average),
        "commission": None if commission is None else str(commission),
        "message": result.message,
    }


def _order_details(request: OrderRequest) -> dict[str, Any]:
    return {
        "order_ref": request.order_ref,
        "symbol": request.symbol,
        "side": request.side.value,
        "quantity": request.quantity,
        "order_type": request.order_type.value,
        "limit_price": None if request.limit_price is None else str(request.limit_price),
        "time_in_force": request.time_in_force.value,
    }
