"""Between ib_async's values and ours: a value that cannot be raises `Senseless`."""

import sys
from decimal import Decimal

from ib_async import CommissionReport, Contract, Execution, Order, OrderState, Position

from broker_connector_base import DOLLARS, AccountPosition, AssetClass, Fill, OpenOrder, OrderStatus, Side
from ibkr_connector.messages import CommissionTold, ExecutionTold, OrderKey, OrderListed, StatusTold, WhatIfTold
from ibkr_connector.numbers import BEYOND, Senseless, known_number, require_number, shares_or_beyond, to_shares

_BUYING = frozenset({"BUY", "BOT"})
"""Orders say BUY, executions BOT; everything else (SELL, SSHORT, SLD) sells."""

_UNSET_ORDER_ID = 2**31 - 1
"""Sent with executions of orders placed by hand."""

_STOCK = "STK"

_CLASS_SEPARATOR = "."
_GATEWAY_CLASS_SEPARATOR = " "
"""Share classes: `BRK.B` everywhere else is `BRK B` at the gateway."""


def to_gateway_symbol(symbol: str) -> str:
    """The gateway's name of a US stock: `BRK B` for `BRK.B`."""
    return symbol.replace(_CLASS_SEPARATOR, _GATEWAY_CLASS_SEPARATOR)


def from_gateway(contract: Contract) -> str:
    """Our name of what a contract is about: `BRK.B` for the stock `BRK B`; others keep the gateway's name."""
    if contract.secType != _STOCK:
        return contract.symbol
    return contract.symbol.replace(_GATEWAY_CLASS_SEPARATOR, _CLASS_SEPARATOR)


def to_side(action: str) -> Side:
    """Direction of an order (`BUY`, `SELL`, `SSHORT`) or of an execution (`BOT`, `SLD`)."""
    return Side.BUY if action.upper() in _BUYING else Side.SELL


def order_key(client_id: int, order_id: int, perm_id: int) -> OrderKey:
    """Identity of an order; those without a number are known by their permanent id alone."""
    is_numbered = order_id not in (0, _UNSET_ORDER_ID)
    return OrderKey(client_id, order_id) if is_numbered else OrderKey(client_id, 0, perm_id)


def order_listed(contract: Contract, order: Order, status: str) -> OrderListed:
    """From an openOrder message."""
    return OrderListed(
        key=order_key(order.clientId, order.orderId, order.permId),
        perm_id=order.permId,
        account_id=order.account,
        symbol=from_gateway(contract),
        side=to_side(order.action),
        quantity=shares_or_beyond("an order's quantity", order.totalQuantity),
        order_type=order.orderType,
        order_ref=order.orderRef,
        status=status,
    )


def execution_told(contract: Contract, execution: Execution) -> ExecutionTold:
    """From an execDetails message. Kept for the day, so texts that repeat are one object each.

    Raises:
        Senseless: its id, shares or price cannot be; stocks have a price above zero, unless there are no shares.
    """
    if not execution.execId:
        raise Senseless("an execution's id", execution.execId)
    quantity = shares_or_beyond("an execution's quantity", execution.shares)
    price = Decimal(0)  # a busted execution is told without shares, and its price says nothing
    if quantity:
        price = require_number(f"the price of execution {execution.execId}", execution.price)
    if quantity == BEYOND:
        raise Senseless(f"the quantity of execution {execution.execId}", execution.shares)
    if quantity and price <= 0 and contract.secType == _STOCK:
        raise Senseless(f"the price of execution {execution.execId}", execution.price)
    cumulative = shares_or_beyond("the shares executed of an order", execution.cumQty)
    return ExecutionTold(
        exec_id=sys.intern(execution.execId),
        key=order_key(execution.clientId, execution.orderId, execution.permId),
        perm_id=execution.permId,
        order_ref=sys.intern(execution.orderRef),
        account_id=sys.intern(execution.acctNumber),
        contract_id=contract.conId,
        symbol=sys.intern(from_gateway(contract)),
        side=to_side(execution.side),
        quantity=quantity,
        price=price,
        executed_at=execution.time,
        cumulative=Decimal(0) if cumulative == BEYOND else cumulative,
    )


def status_told(key: OrderKey, perm_id: int, status: str, filled: float, why_held: str) -> StatusTold:
    """From an orderStatus message, which names no account.

    Raises:
        Senseless: its count of shares cannot be.
    """
    count = known_number(filled)
    if count is None or count < 0:
        raise Senseless(f"the shares filled of order {key}", filled, key)
    return StatusTold(key=key, perm_id=perm_id, status=status, filled=to_shares(count), why_held=why_held)


def commission_told(report: CommissionReport) -> CommissionTold:
    """From a commissionReport message."""
    currency = sys.intern(report.currency or DOLLARS)
    return CommissionTold(sys.intern(report.execId), known_number(report.commission), currency)


def what_if_told(request_id: int, state: OrderState) -> WhatIfTold:
    """From the openOrder message that answers a what-if."""
    costs = (known_number(state.commission), known_number(state.maxCommission))
    return WhatIfTold(
        request_id=request_id,
        status=state.status,
        initial_margin_change=known_number(state.initMarginChange),
        initial_margin_after=known_number(state.initMarginAfter),
        maintenance_margin_after=known_number(state.maintMarginAfter),
        equity_with_loan_after=known_number(state.equityWithLoanAfter),
        commission=next((cost for cost in costs if cost is not None), None),
        warning=state.warningText,
    )


def to_fill(execution: ExecutionTold, commission: CommissionTold | None) -> Fill:
    """An execution, or one that was busted, as callers know it."""
    return Fill(
        exec_id=execution.exec_id,
        order_ref=execution.order_ref,
        account_id=execution.account_id,
        symbol=execution.symbol,
        side=execution.side,
        quantity=execution.quantity,
        price=execution.price,
        commission=commission.amount if commission else None,
        commission_currency=commission.currency if commission else DOLLARS,
        executed_at=execution.executed_at,
        replaces=tuple(f"{execution.stem}.{revision:02}" for revision in range(1, execution.revision)),
    )


def to_position(position: Position) -> AccountPosition:
    """A position as callers know it; shares and ETFs are both STK."""
    contract = position.contract
    return AccountPosition(
        symbol=from_gateway(contract),
        contract_id=str(contract.conId),
        quantity=to_shares(position.position),
        asset_class=AssetClass.STOCK if contract.secType == _STOCK else AssetClass.OTHER,
        currency=contract.currency,
    )


def to_open_order(listed: OrderListed, *, status: OrderStatus, filled: Decimal, own_client_id: int) -> OpenOrder:
    """A listed order as callers know it."""
    return OpenOrder(
        order_id=str(listed.key),
        account_id=listed.account_id,
        symbol=listed.symbol,
        side=listed.side,
        quantity=listed.quantity,
        filled_quantity=filled,
        order_type=listed.order_type,
        status=status,
        order_ref=listed.order_ref,
        owner=str(listed.key.client_id),
        is_ours=listed.key.belongs_to(own_client_id),
    )
