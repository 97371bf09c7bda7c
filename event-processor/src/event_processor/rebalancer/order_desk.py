"""Sending orders and following each to an end that the brokerage has confirmed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from broker_connector_base import (
    AccountRefused,
    BrokerAPIError,
    BrokerClient,
    BrokerConnectionError,
    BrokerError,
    CancellationUnconfirmed,
    MarginEffect,
    OrderExecutionError,
    OrderRequest,
    OrderResult,
    OrderStatus,
    OrderUnconfirmed,
)
from event_processor.errors import Stopping
from event_processor.order_style import OrderStyle, order_request
from event_processor.rebalancer.margin_check import margin_effects
from event_processor.rebalancer.outcome import SentOrder
from event_processor.rebalancer.ports import Guard, Recorder, RefMaker
from event_processor.side_by_side import every
from event_queue.errors import LeaseLost, QueueHalted, TradingPaused
from rebalance_calculator import Trade
from service_runtime.settings import OrdersSettings

_log = structlog.get_logger(__name__)

REFUSAL_WAIT_SECONDS: Final = 10.0
"""How long orders that wait for the close are watched: refusals come within seconds, fills not before the auction."""

_LOST_SIGHT: Final = (BrokerConnectionError, BrokerAPIError, AccountRefused)
"""What ends the following of an order without telling anything of the order itself."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """An order about to be sent."""

    trade: Trade
    request: OrderRequest
    margin_effect: MarginEffect | None


@dataclass(slots=True)
class _LastPermit:
    """The permit of one order. Until it is given, the brokerage's client has sent nothing."""

    guard: Guard
    is_given: bool = False

    def __call__(self) -> None:
        self.guard.require_running()
        self.is_given = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDesk:
    """Carries out trades of one account for one attempt of one event."""

    broker: BrokerClient
    settings: OrdersSettings
    recorder: Recorder
    guard: Guard
    account_id: str
    order_ref: RefMaker
    style: OrderStyle
    asks_first: bool = False
    """Whether the brokerage is asked for the margin effect of all orders before the first of them is sent."""
    refusal_wait_seconds: float = REFUSAL_WAIT_SECONDS

    async def carry_out(self, trades: Sequence[Trade]) -> tuple[SentOrder, ...]:
        """Send all trades side by side and return when each has ended, by the deadline at the latest.

        What is unfilled at the deadline is cancelled, and the cancellation confirmed; orders for the close are left
        to it once the brokerage has taken them. One order's trouble does not stop the others from being followed.

        Raises:
            OrderRejected: the brokerage, asked first, would refuse an order; none was sent.
            OrderExecutionError: the fate of an order is not known.
            BrokerConnectionError: the connection broke meanwhile.
            TradingPaused: an operator paused the account; what was sent before has been followed to its end.
            LeaseLost, Stopping: not every order was sent, or not every one followed.
        """
        drafts = await self._drafts(trades)
        wait = self.refusal_wait_seconds if self.style.waits_for_close else self.settings.fill_timeout_seconds
        deadline = asyncio.get_running_loop().time() + wait
        sent, errors = await every([self._trade(draft, deadline) for draft in drafts])
        if errors:
            raise _gravest(errors)
        return tuple(sent)

    async def _drafts(self, trades: Sequence[Trade]) -> Sequence[_Draft]:
        requests = [self._request(trade) for trade in trades]
        if not self.asks_first:
            return [_Draft(trade, request, None) for trade, request in zip(trades, requests, strict=True)]
        effects = await margin_effects(self.broker, requests)
        return [_Draft(*parts) for parts in zip(trades, requests, effects, strict=True)]

    def _request(self, trade: Trade) -> OrderRequest:
        order_ref = self.order_ref(trade.side, trade.symbol)
        return order_request(trade, self.style, account_id=self.account_id, order_ref=order_ref)

    async def _trade(self, draft: _Draft, deadline: float) -> SentOrder:
        self.guard.require_running()
        await self.recorder.intent(draft.request, draft.trade.reason, draft.margin_effect)
        order_id = await self._send(draft.request)
        try:
            result = await self._follow(order_id, deadline)
        except _LOST_SIGHT as error:
            await self.recorder.unconfirmed(draft.request, f"order {order_id} was sent: {error}")
            raise
        await self.recorder.result(result)
        return SentOrder(draft.trade, result, draft.margin_effect)

    async def _send(self, request: OrderRequest) -> str:
        permit = _LastPermit(self.guard)
        try:
            order_id = await self.broker.place_order(request, permit=permit)
        except (Stopping, BrokerError) as error:
            write = self.recorder.unconfirmed if permit.is_given else self.recorder.unsent
            await write(request, str(error))
            raise
        except LeaseLost as refusal:  # whoever has lost the lease writes nothing down any more
            _log.warning("order_not_sent", order_ref=request.order_ref, reason=str(refusal))
            raise
        _log.info(
            "order_sent",
            order_id=order_id,
            order_ref=request.order_ref,
            side=request.side.value,
            quantity=request.quantity,
            symbol=request.symbol,
            order_type=request.order_type.value,
        )
        return order_id

    async def _follow(self, order_id: str, deadline: float) -> OrderResult:
        remaining = max(deadline - asyncio.get_running_loop().time(), 0.0)
        result = await self.broker.await_order(order_id, timeout_seconds=remaining)
        if result.status.is_final or (self.style.waits_for_close and result.status is OrderStatus.WORKING):
            return result
        return await self._withdraw(result)

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
        case TradingPaused() | QueueHalted():
            return 4
        case _:
            return 3
