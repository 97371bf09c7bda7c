"""Orders: open, their status, completed, and what-if answers."""

from decimal import Decimal

from sandbox.gateway.fields import Value
from sandbox.gateway.layout import render
from sandbox.gateway.message_ids import Answer
from sandbox.gateway.messages.contracts import contract_fields
from sandbox.gateway.messages.executions import gateway_time
from sandbox.gateway.messages.order_layouts import COMPLETED_ORDER, OPEN_ORDER
from sandbox.world.instruments import SMART
from sandbox.world.orders import Order
from sandbox.world.what_if import WhatIf

NO_RIGHT = "?"
"""How order messages write the missing right of a contract that is no option."""


def open_order(order: Order, version: int) -> list[Value]:
    """An order with everything that is known of it."""
    return _open_order(order, _order_values(order), version)


def what_if_answer(answer: WhatIf, version: int) -> list[Value]:
    """The answer to a what-if: an order that says what it would change."""
    no_change = Decimal(0)
    values: dict[str, Value] = {
        **_order_values(answer.order),
        "what_if": True,
        "status": "PreSubmitted",
        "init_margin_before": round(answer.margin_before, 2),
        "maint_margin_before": round(answer.margin_before, 2),
        "equity_before": round(answer.equity, 2),
        "init_margin_change": round(answer.margin_after - answer.margin_before, 2),
        "maint_margin_change": round(answer.margin_after - answer.margin_before, 2),
        "equity_change": no_change,
        "init_margin_after": round(answer.margin_after, 2),
        "maint_margin_after": round(answer.margin_after, 2),
        "equity_after": round(answer.equity, 2),
        "commission": answer.commission,
        "commission_currency": answer.currency,
    }
    return _open_order(answer.order, values, version)


def order_status(order: Order) -> list[Value]:
    """Where an order stands."""
    return [
        Answer.ORDER_STATUS,
        order.order_id,
        order.status,
        order.filled,
        order.remaining,
        round(order.avg_fill_price, 8),
        order.perm_id,
        0,
        order.last_price,
        order.client_id,
        "",
        0,
    ]


def open_order_end() -> list[Value]:
    return [Answer.OPEN_ORDER_END, 1]


def order_bound(order: Order) -> list[Value]:
    """An order placed by hand got an id of client 0."""
    return [Answer.ORDER_BOUND, order.perm_id, order.client_id, order.order_id]


def completed_order(order: Order, version: int) -> list[Value]:
    """An order that is done. Its order id and client id are not told."""
    words = "Filled Size: " + str(order.filled) if order.status == "Filled" else "Cancelled by Trader"
    values: dict[str, Value] = {
        **_order_values(order),
        "filled": order.filled,
        "completed_time": gateway_time(order.done_at or order.placed_at),
        "completed_status": words,
    }
    contract = contract_fields(order.instrument, SMART, right=NO_RIGHT)
    return [Answer.COMPLETED_ORDER, *contract, *render(COMPLETED_ORDER, values, version)]


def completed_orders_end() -> list[Value]:
    return [Answer.COMPLETED_ORDERS_END]


def _open_order(order: Order, values: dict[str, Value], version: int) -> list[Value]:
    contract = contract_fields(order.instrument, SMART, right=NO_RIGHT)
    return [Answer.OPEN_ORDER, order.order_id, *contract, *render(OPEN_ORDER, values, version)]


def _order_values(order: Order) -> dict[str, Value]:
    request = order.request
    return {
        "side": request.side,
        "quantity": request.quantity,
        "order_type": request.order_type,
        "limit_price": request.limit_price or Decimal(0),
        "tif": request.tif,
        "account": request.account,
        "order_ref": request.order_ref,
        "client_id": order.client_id,
        "perm_id": order.perm_id,
        "outside_rth": request.outside_rth,
        "status": order.status,
    }
