"""How a planned trade becomes an order: its type, price and time in force, the same for all orders of a run."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Final

from broker_connector_base import OrderRequest, OrderType, Side, TimeInForce
from event_processor.market_hours import Open
from rebalance_calculator import Trade
from service_runtime.settings import OrdersSettings

MOC_CUT_OFF: Final = timedelta(minutes=15)
"""Before the close: Interactive Brokers' advice. The exchanges' own deadlines are five to ten minutes later."""
_CENT: Final = Decimal("0.01")
_SUB_PENNY: Final = Decimal("0.0001")
_SUB_PENNY_BELOW: Final = Decimal(1)
"""US rules allow quotes finer than a cent only below one dollar (Regulation NMS, rule 612)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStyle:
    """How the orders of one run go out."""

    order_type: OrderType
    time_in_force: TimeInForce
    price_buffer: Decimal
    """Fraction of the reference price: how far through it limits are placed, and how much dearer buys may get."""
    outside_regular_hours: bool = False

    @property
    def waits_for_close(self) -> bool:
        """Whether all orders fill in the closing auction: at one moment, so that no sell can pay for a buy."""
        return self.order_type is OrderType.MARKET_ON_CLOSE


def choose_style(settings: OrdersSettings, market: Open, now: datetime) -> OrderStyle:
    """The style for orders that are sent now.

    Outside regular hours limit orders only. Market-on-close by setting, or for market orders inside the window
    before the close, as long as the cut-off has not passed; after it, market orders.
    """
    if not market.regular:
        return _limit(settings, outside_regular_hours=True)
    if _wants_close(settings, market, now) and now + MOC_CUT_OFF <= market.closes_at:
        return OrderStyle(
            order_type=OrderType.MARKET_ON_CLOSE,
            time_in_force=TimeInForce.DAY,  # brokerages take no other for it
            price_buffer=settings.buy_price_buffer_percent / 100,
        )
    return plain_style(settings)


def plain_style(settings: OrdersSettings) -> OrderStyle:
    """The style in the middle of the day."""
    if settings.type == "LMT":
        return _limit(settings)
    return OrderStyle(
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce(settings.time_in_force),
        price_buffer=settings.buy_price_buffer_percent / 100,
    )


def buy_price_buffer(style: OrderStyle, prices: Iterable[Decimal]) -> Decimal:
    """The fraction by which any of these prices may be exceeded; a limit is rounded up to a tick, so by a bit more."""
    if style.order_type is not OrderType.LIMIT:
        return style.price_buffer
    limits = (_through(price, Side.BUY, style.price_buffer) / price - 1 for price in prices)
    return max(limits, default=style.price_buffer)


def order_request(trade: Trade, style: OrderStyle, *, account_id: str, order_ref: str) -> OrderRequest:
    """The order for a trade."""
    return OrderRequest(
        account_id=account_id,
        symbol=trade.symbol,
        side=trade.side,
        quantity=trade.quantity,
        order_type=style.order_type,
        time_in_force=style.time_in_force,
        order_ref=order_ref,
        limit_price=limit_price(trade, style),
        outside_regular_hours=style.outside_regular_hours,
    )


def limit_price(trade: Trade, style: OrderStyle) -> Decimal | None:
    """A limit through the reference price, above it for a buy and below it for a sell; None for other types."""
    if style.order_type is not OrderType.LIMIT:
        return None
    return _through(trade.price, trade.side, style.price_buffer)


def _limit(settings: OrdersSettings, *, outside_regular_hours: bool = False) -> OrderStyle:
    return OrderStyle(
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce(settings.time_in_force),
        price_buffer=settings.limit_buffer_percent / 100,
        outside_regular_hours=outside_regular_hours,
    )


def _wants_close(settings: OrdersSettings, market: Open, now: datetime) -> bool:
    if settings.type == "MKT":
        return market.closes_at - now <= timedelta(minutes=settings.moc_minutes_before_close)
    return settings.type == "MOC"


def _through(price: Decimal, side: Side, buffer: Decimal) -> Decimal:
    """The price moved by the buffer, rounded on to a tick, so that the order stays marketable."""
    through = price * (1 + side.sign * buffer)
    tick = _SUB_PENNY if through < _SUB_PENNY_BELOW else _CENT
    return max(through.quantize(tick, rounding=ROUND_UP if side is Side.BUY else ROUND_DOWN), tick)
