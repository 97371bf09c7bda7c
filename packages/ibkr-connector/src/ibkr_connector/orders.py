"""Sending an order: nothing about it is left to a preset of the gateway."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from ib_async import Order

from broker_connector_base import (
    BrokerAPIError,
    BrokerConnectionError,
    OrderRequest,
    OrderType,
    Side,
    TimeInForce,
)
from ibkr_connector.contracts import QualifiedStock
from ibkr_connector.messages import OrderKey
from ibkr_connector.order_record import OrderRecord
from ibkr_connector.session import GatewaySession

_DOLLAR: Final = Decimal(1)
_CENT: Final = Decimal("0.01")
"""US stocks at or above one dollar are quoted in whole cents (SEC rule 612), whatever the contract's finest tick."""


def send_order(session: GatewaySession, stock: QualifiedStock, request: OrderRequest) -> OrderRecord:
    """Send the order, in the line's turn, and follow it from its first message on.

    An order of the same reference that may still fill is adopted instead: there are never two of them.

    Raises:
        Whatever the last look of the turn raises; nothing was sent.
        BrokerConnectionError: the gateway is cut off from the brokerage, or the connection is over; nothing was sent.
        BrokerAPIError: a message about orders was lost, and complete lists have not made it good; nothing was sent.
    """
    what = f"order {request.order_ref}"
    session.require_connection(what)
    if session.is_upstream_lost:
        raise BrokerConnectionError(f"{session.settings.address} has lost the brokerage; {what} was not sent")
    if alive := session.orders.alive(request.account_id, request.order_ref):
        alive.request = request
        return alive
    if lost := session.gaps.unsettled(request.account_id):
        raise BrokerAPIError(f"{what} was not sent; list open orders and executions first: {lost}")
    order = build_order(request, stock)
    try:
        order_id: int = session.raw.getReqId()
        session.raw.placeOrder(order_id, stock.contract(), order)
    except ConnectionError as error:
        raise BrokerConnectionError(f"no connection to {session.settings.address}: {what} was not sent") from error
    record = OrderRecord(
        key=OrderKey(session.settings.client_id, order_id),
        account_id=request.account_id,
        symbol=request.symbol,
        side=request.side,
        quantity=Decimal(request.quantity),
        order_ref=request.order_ref,
        request=request,
    )
    session.orders.add(record)
    session.accounts.order_sent(request.account_id)
    return record


def build_order(request: OrderRequest, stock: QualifiedStock) -> Order:
    """A fresh order: one that was sent before would be changed by sending it again.

    Orders for the closing auction live for the day: the brokerage takes no others (113).
    """
    is_for_close = request.order_type is OrderType.MARKET_ON_CLOSE
    order = Order(
        action=request.side.value,
        totalQuantity=float(request.quantity),
        orderType=request.order_type.value,
        tif=TimeInForce.DAY.value if is_for_close else request.time_in_force.value,
        account=request.account_id,
        orderRef=request.order_ref,
        outsideRth=request.outside_regular_hours,
        transmit=True,
    )
    if request.order_type is OrderType.LIMIT:
        if request.limit_price is None:
            raise ValueError(f"limit order {request.order_ref} has no limit price")
        order.lmtPrice = float(round_to_tick(request.limit_price, side=request.side, min_tick=stock.min_tick))
    return order


def round_to_tick(price: Decimal, *, side: Side, min_tick: Decimal) -> Decimal:
    """The price on the contract's grid, rounded towards execution: buys up, sells down, never to zero."""
    tick = max(min_tick, _CENT) if price >= _DOLLAR else (min_tick if min_tick > 0 else _CENT)
    steps = (price / tick).to_integral_value(ROUND_CEILING if side is Side.BUY else ROUND_FLOOR)
    return max(steps, _DOLLAR) * tick
