"""Between ib_async's values and ours: floats become Decimals here and nowhere else."""

import sys
from decimal import Decimal, InvalidOperation

from ib_async import CommissionReport, Contract, Execution, Order, OrderState, Position

from broker_connector_base import AccountPosition, AssetClass, Fill, OpenOrder, OrderStatus, Side
from ibkr_connector.messages import CommissionTold, ExecutionTold, OrderKey, OrderListed, WhatIfTold

_BUYING = frozenset({"BUY", "BOT"})
"""Orders say BUY, executions BOT; everything else (SELL, SSHORT, SLD) sells."""

_UNSET_ORDER_ID = 2**31 - 1
"""Sent with executions of orders placed by hand."""

_STOCK = "STK"

_SMALLEST_FRACTION = Decimal("0.000001")
_BEYOND_SHARES = 10**15
"""No quantity, but the gateway's way to leave one out."""

_UNSET = 1.0e300
"""The gateway sends 1.797e308 for a number that it does not know."""


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


def to_decimal(number: float | Decimal | str) -> Decimal:
    """The number as written, without binary dust; whole numbers without a fraction."""
    value = Decimal(str(number))
    return Decimal(int(value)) if value == value.to_integral_value() else value


def to_shares(number: float | Decimal | str) -> Decimal:
    """A quantity of shares to six decimals, finer than any fraction that a brokerage books.

    What is left of sums in binary floating point, such as 0.5999999999999996 shares, would never agree with itself.
    """
    value = to_decimal(number)
    return value if abs(value) >= _BEYOND_SHARES else to_decimal(value.quantize(_SMALLEST_FRACTION))


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
        quantity=to_shares(order.totalQuantity),
        order_type=order.orderType,
        order_ref=order.orderRef,
        status=status,
    )


def execution_told(contract: Contract, execution: Execution) -> ExecutionTold:
    """From an execDetails message. Kept for the day, so texts that repeat are one object each."""
    return ExecutionTold(
        exec_id=sys.intern(execution.execId),
        key=order_key(execution.clientId, execution.orderId, execution.permId),
        perm_id=execution.permId,
        order_ref=sys.intern(execution.orderRef),
        account_id=sys.intern(execution.acctNumber),
        contract_id=contract.conId,
        symbol=sys.intern(from_gateway(contract)),
        side=to_side(execution.side),
        quantity=to_shares(execution.shares),
        price=to_decimal(execution.price),
        executed_at=execution.time,
        cumulative=to_shares(execution.cumQty),
    )


def commission_told(report: CommissionReport) -> CommissionTold:
    """From a commissionReport message; an unset amount is none."""
    amount = report.commission if abs(report.commission) < _UNSET else 0.0
    return CommissionTold(sys.intern(report.execId), to_decimal(amount))


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


def known_number(number: float | str) -> Decimal | None:
    """The number, None where the gateway has none: empty, or 1.797e308."""
    try:
        value = Decimal(str(number))
    except InvalidOperation:
        return None
    return to_decimal(value) if value.is_finite() and abs(value) < Decimal(_UNSET) else None


def to_fill(execution: ExecutionTold, commission: Decimal) -> Fill:
    """An execution as callers know it."""
    return Fill(
        exec_id=execution.exec_id,
        order_ref=execution.order_ref,
        account_id=execution.account_id,
        symbol=execution.symbol,
        side=execution.side,
        quantity=execution.quantity,
        price=execution.price,
        commission=commission,
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
