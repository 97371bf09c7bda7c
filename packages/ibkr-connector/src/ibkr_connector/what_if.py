"""Asking what an order would do to its account's margin. Nothing is transmitted to a market."""

from decimal import Decimal

from broker_connector_base import BrokerAPIError, MarginEffect, OrderRejected, OrderRequest
from ibkr_connector.contracts import QualifiedStock
from ibkr_connector.messages import WhatIfTold
from ibkr_connector.order_record import CANCELLED, INACTIVE
from ibkr_connector.orders import build_order
from ibkr_connector.session import GatewaySession
from ibkr_connector.what_if_board import WhatIfAnswer


async def ask_margin_effect(session: GatewaySession, stock: QualifiedStock, request: OrderRequest) -> MarginEffect:
    """The account after the order, as the brokerage reckons.

    Raises:
        OrderRejected: it would refuse the order; with its words.
        BrokerAPIError: it gave no margins in time.
    """
    what = f"what-if of order {request.order_ref}"
    answer = await _ask(session, stock, request, what)
    if answer.refusal:
        raise OrderRejected(f"{what} on {request.account_id}: {answer.refusal}")
    told = answer.told
    if told is not None and _is_refused(told):
        raise OrderRejected(f"{what} on {request.account_id}: {told.warning or _shortfall(told)}")
    if told is None or told.initial_margin_after is None:
        words = told.warning if told else ""
        raise BrokerAPIError(f"{session.settings.address} gave no margins: {what}: {words}".rstrip(": "))
    return _effect(told, told.initial_margin_after)


async def _ask(session: GatewaySession, stock: QualifiedStock, request: OrderRequest, what: str) -> WhatIfAnswer:
    session.require_connection(what)
    request_id: int = session.raw.getReqId()
    order = build_order(request, stock)
    order.whatIf = True
    answer = session.what_ifs.open(request_id)
    try:
        session.raw.placeOrder(request_id, stock.contract(), order)
        await session.wait_until(lambda: answer.is_complete, session.settings.request_timeout_seconds, what)
    finally:
        session.what_ifs.close(request_id)
    return answer


def _is_refused(told: WhatIfTold) -> bool:
    """Told as dead, or opening risk that the account's equity does not cover. A warning alone is no refusal."""
    if told.status in CANCELLED or told.status == INACTIVE:
        return True
    margin, equity, change = told.initial_margin_after, told.equity_with_loan_after, told.initial_margin_change
    is_opening = change is None or change > 0
    return is_opening and margin is not None and equity is not None and equity < margin


def _shortfall(told: WhatIfTold) -> str:
    return f"equity {told.equity_with_loan_after} USD is below initial margin {told.initial_margin_after} USD"


def _effect(told: WhatIfTold, initial_margin_after: Decimal) -> MarginEffect:
    """Figures that the gateway left out are replaced by the strictest that the others allow."""
    maintenance, equity = told.maintenance_margin_after, told.equity_with_loan_after
    return MarginEffect(
        initial_margin_after=initial_margin_after,
        maintenance_margin_after=initial_margin_after if maintenance is None else maintenance,
        equity_with_loan_after=initial_margin_after if equity is None else equity,
        commission=Decimal(0) if told.commission is None else told.commission,
        warning=told.warning,
    )
