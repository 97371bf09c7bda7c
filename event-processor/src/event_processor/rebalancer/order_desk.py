"""Sending orders and following each to an end that the brokerage has confirmed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from broker_connector_base import (
    BrokerClient,
    CancellationUnconfirmed,
    OrderExecutionError,
    OrderRequest,
    OrderResult,
    OrderUnconfirmed,
)
from event_processor.errors import Stopping
from event_processor.order_style import order_request
from event_processor.rebalancer.outcome import SentOrder
from event_processor.rebalancer.ports import Guard, Recorder, RefMaker
from event_processor.side_by_side import every
from event_queue.errors import LeaseLost
from rebalance_calculator import Trade
from service_runtime.settings import OrdersSettings

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDesk:
    """Carries out trades of one account for one attempt of one event."""

    broker: BrokerClient
    settings: OrdersSettings
    recorder: Recorder
    guard: Guard
    account_id: str
    order_ref: RefMaker

    async def carry_out(self, trades: Sequence[Trade], *, regular_hours: bool) -> tuple[SentOrder, ...]:
        """Send all trades side by side and return when each has ended, by the deadline at the latest.

        What is unfilled at the deadline is cancelled, and the cancellation confirmed. One order's trouble does not
        stop the others from being followed to their ends.

        Raises:
            OrderExecutionError: the fate of an order is not known.
            BrokerConnectionError: the connection broke meanwhile.
            LeaseLost, Stopping: not every order was sent, or not every one followed.
        """
        deadline = asyncio.get_running_loop().time() + self.settings.fill_timeout_seconds
        sent, errors = await every([self._trade(trade, deadline, regular_hours=regular_hours) for trade in trades])
        if errors:
            raise _gravest(errors)
        return tuple(sent)

    async def _trade(self, trade: Trade, deadline: float, *, regular_hours: bool) -> SentOrder:
        request = order_request(
            trade,
            self.settings,
            account_id=self.account_id,
            order_ref=self.order_ref(trade.side, trade.symbol),
            regular_hours=regular_hours,
        )
        self.guard.require_running()
        await self.recorder.intent(request, trade.reason)
        result = await self._follow(await self._send(request), deadline)
        await self.recorder.result(result)
        return SentOrder(trade, result)

    async def _send(self, request: OrderRequest) -> str:
        self.guard.require_running()
        order_id = await self.broker.place_order(request)
        _log.info(
            "order_sent",
            order_id=order_id,
            order_ref=request.order_ref,
            side=request.side.value,
            quantity=request.quantity,
            symbol=request.symbol,
        )
        return order_id

    async def _follow(self, order_id: str, deadline: float) -> OrderResult:
        remaining = max(deadline - asyncio.get_running_loop().time(), 0.0)
        result = await self.broker.await_order(order_id, timeout_seconds=remaining)
        return result if result.status.is_final else await self._withdraw(result)

    async def _withdraw(self, unfinished: OrderResult) -> OrderResult:
        """Cancel the rest of an order at its deadline; the result counts a fill that won the race."""
        self.guard.require_lease()
        timeout = self.settings.cancel_timeout_seconds
        try:
            await self.broker.cancel_order(unfinished.order_id, timeout_seconds=timeout)
        except CancellationUnconfirmed:
            await self.recorder.result(unfinished)
            raise
        result = await self.broker.await_order(unfinished.order_id, timeout_seconds=timeout)
        if not result.status.is_final:
            await self.recorder.result(result)
            raise OrderUnconfirmed(
                f"order {result.order_id} ({result.request.order_ref}) is {result.status} at the end"
            )
        return result


def _gravest(errors: Sequence[Exception]) -> Exception:
    """The error that decides what happens next; the others are only logged."""
    first = min(errors, key=_gravity)
    for error in errors:
        if error is not first:
            _log.warning("order_trouble", error=type(error).__name__, reason=str(error))
    return first


def _gravity(error: Exception) -> int:
    match error:
        case LeaseLost():
            return 0
        case Stopping():
            return 1
        case OrderExecutionError():
            return 2
        case _:
            return 3
