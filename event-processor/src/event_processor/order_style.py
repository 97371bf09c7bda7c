"""How a planned trade becomes an order: its type, price and time in force."""

from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Final

from broker_connector_base import OrderRequest, OrderType, Side, TimeInForce
from rebalance_calculator import Trade
from service_runtime.settings import OrdersSettings

_CENT: Final = Decimal("0.01")
_SUB_PENNY: Final = Decimal("0.0001")
_SUB_PENNY_BELOW: Final = Decimal(1)
"""US rules allow quotes finer than a cent only below one dollar (Regulation NMS, rule 612)."""


def order_request(
    trade: Trade, settings: OrdersSettings, *, account_id: str, order_ref: str, regular_hours: bool
) -> OrderRequest:
    """The order for a trade. Outside regular hours it is always a limit order, whatever the settings say."""
    limited = settings.type == "LMT" or not regular_hours
    return OrderRequest(
        account_id=account_id,
        symbol=trade.symbol,
        side=trade.side,
        quantity=trade.quantity,
        order_type=OrderType.LIMIT if limited else OrderType.MARKET,
        time_in_force=TimeInForce(settings.time_in_force),
        order_ref=order_ref,
        limit_price=marketable_limit(trade, settings.limit_buffer_percent) if limited else None,
        outside_regular_hours=not regular_hours,
    )


def marketable_limit(trade: Trade, buffer_percent: Decimal) -> Decimal:
    """A limit through the reference price: above it for a buy, below it for a sell, rounded away from it to a tick."""
    through = trade.price * (1 + trade.side.sign * buffer_percent / 100)
    tick = _SUB_PENNY if through < _SUB_PENNY_BELOW else _CENT
    rounding = ROUND_UP if trade.side is Side.BUY else ROUND_DOWN
    return max(through.quantize(tick, rounding=rounding), tick)
