"""Results of the commands that look at an account or clear it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from broker_connector_base import AccountPosition, AccountSnapshot, OpenOrder
from event_processor.numbers import money, number, shares
from event_processor.result import moment
from event_processor.result_shapes import AccountEquityShape, OpenOrderShape, OrdersShape, PositionShape, PositionsShape
from rebalance_calculator import Reserve


def positions_result(snapshot: AccountSnapshot, now: datetime) -> PositionsShape:
    """What the account holds, by symbol."""
    held = sorted(snapshot.positions, key=lambda position: (position.symbol, position.contract_id))
    return {
        "account_id": snapshot.account_id,
        "positions": [_position(position) for position in held],
        "status": "success",
        "message": f"{len(held)} positions",
        "timestamp": moment(now),
    }


def equity_result(snapshot: AccountSnapshot, reserve: Reserve, now: datetime) -> AccountEquityShape:
    """What the account is worth, and what of it stays cash."""
    reserved = max(snapshot.net_liquidation, Decimal(0)) * reserve.percentage / 100
    return {
        "account_id": snapshot.account_id,
        "net_liquidation": money(snapshot.net_liquidation),
        "cash": money(snapshot.cash),
        "settled_cash": money(snapshot.settled_cash),
        "other_cash": money(snapshot.other_cash),
        "account_type": "cash" if snapshot.is_cash_account else "margin",
        "reserve_percentage": number(reserve.percentage, 4),
        "reserve_amount": money(reserved),
        "status": "success",
        "message": "Equity read successfully",
        "timestamp": moment(now),
        "warnings": [reserve.warning] if reserve.warning else [],
    }


def orders_result(account_id: str, orders: Sequence[OpenOrder], message: str, now: datetime) -> OrdersShape:
    """Open orders, or those that were cancelled."""
    return {
        "account_id": account_id,
        "orders": [_order(order) for order in orders],
        "status": "success",
        "message": message,
        "timestamp": moment(now),
    }


def _position(position: AccountPosition) -> PositionShape:
    return {
        "symbol": position.symbol,
        "quantity": shares(position.quantity),
        "asset_class": position.asset_class.value,
        "currency": position.currency,
        "tradeable": position.is_tradeable,
    }


def _order(order: OpenOrder) -> OpenOrderShape:
    return {
        "order_id": order.order_id,
        "symbol": order.symbol,
        "action": order.side.value,
        "quantity": shares(order.quantity),
        "filled_quantity": shares(order.filled_quantity),
        "order_type": order.order_type,
        "status": order.status.value,
        "order_ref": order.order_ref,
        "owner": order.owner,
        "ours": order.is_ours,
    }
