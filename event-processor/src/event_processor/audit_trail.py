"""What an attempt writes down about its orders, in the words of the audit's tables."""

from collections.abc import Mapping
from typing import Any, Final

from broker_connector_base import Fill, OrderRequest, OrderResult
from event_processor.patient_writes import PatientWrites
from event_processor.rebalancer import average_price, total_commission
from event_queue.audit import AuditKind
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.ports import WorkerQueue

SLOT: Final = "0"
"""The worker has one hand."""


class AuditTrail:
    """Records of one attempt at one event. `orders_intended` tells whether anything may have been sent."""

    def __init__(self, queue: WorkerQueue, patiently: PatientWrites, lease: Lease, event: RebalanceEvent) -> None:
        self._queue = queue
        self._patiently = patiently
        self._lease = lease
        self._event = event
        self.orders_intended = 0

    async def intent(self, request: OrderRequest, reason: str) -> None:
        """Write down an order that is about to be sent; no order is sent when this raises."""
        self.orders_intended += 1
        await self._record(AuditKind.ORDER_INTENT, intent_details(request, reason))

    async def result(self, result: OrderResult) -> None:
        """Write down what became of an order, and each of its fills."""
        for fill in result.fills:
            await self._record(AuditKind.FILL, fill_details(fill))
        await self._record(AuditKind.ORDER_RESULT, result_details(result))

    async def earlier_fills(self, fills: tuple[Fill, ...]) -> None:
        """Write down executions that an earlier attempt may not have lived to record."""
        for fill in fills:
            await self._record(AuditKind.FILL, fill_details(fill))

    async def _record(self, kind: AuditKind, details: Mapping[str, Any]) -> None:
        await self._patiently(lambda: self._queue.record(self._lease, SLOT, self._event, kind, details))


def intent_details(request: OrderRequest, reason: str) -> dict[str, Any]:
    """An order about to be sent; numbers as text, digit by digit."""
    return {
        "order_ref": request.order_ref,
        "symbol": request.symbol,
        "side": request.side.value,
        "quantity": request.quantity,
        "order_type": request.order_type.value,
        "limit_price": None if request.limit_price is None else str(request.limit_price),
        "time_in_force": request.time_in_force.value,
        "outside_regular_hours": request.outside_regular_hours,
        "reason": reason,
    }


def result_details(result: OrderResult) -> dict[str, Any]:
    """What became of an order."""
    average = average_price(result)
    return {
        "order_ref": result.request.order_ref,
        "order_id": result.order_id,
        "symbol": result.request.symbol,
        "side": result.request.side.value,
        "quantity": result.request.quantity,
        "order_type": result.request.order_type.value,
        "limit_price": None if result.request.limit_price is None else str(result.request.limit_price),
        "time_in_force": result.request.time_in_force.value,
        "status": result.status.value,
        "filled_quantity": str(result.filled_quantity),
        "average_price": None if average is None else str(average),
        "commission": str(total_commission(result)),
        "message": result.message,
    }


def fill_details(fill: Fill) -> dict[str, Any]:
    """One execution."""
    return {
        "exec_id": fill.exec_id,
        "order_ref": fill.order_ref,
        "symbol": fill.symbol,
        "side": fill.side.value,
        "quantity": str(fill.quantity),
        "price": str(fill.price),
        "commission": str(fill.commission),
        "executed_at": fill.executed_at.isoformat(),
    }
