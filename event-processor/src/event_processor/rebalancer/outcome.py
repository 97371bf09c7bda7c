"""What a rebalance came to: values for the result, the log and the audit."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from broker_connector_base import AccountSnapshot, MarginEffect, OpenOrder, OrderResult, OrderStatus, OrderType
from event_processor.market_hours import MarketState
from event_processor.rebalancer.planning import Planning
from rebalance_calculator import Trade


@dataclass(frozen=True, slots=True)
class SentOrder:
    """A trade, and what became of its order."""

    trade: Trade
    result: OrderResult
    margin_effect: MarginEffect | None = None
    """What the broker foretold, when it was asked."""

    @property
    def waits_for_close(self) -> bool:
        """Whether it is in the hands of the closing auction; what it will fill is not known yet."""
        return waits_for_close(self.result)

    @property
    def is_complete(self) -> bool:
        """Whether every share was executed."""
        return self.result.remaining_quantity <= 0

    @property
    def is_rejected(self) -> bool:
        """Whether the brokerage refused it."""
        return self.result.status is OrderStatus.REJECTED

    @property
    def average_price(self) -> Decimal | None:
        """US dollars per executed share; None when none was."""
        return average_price(self.result)

    @property
    def commission(self) -> Decimal | None:
        """US dollars, as far as reported; None when fills had none reported."""
        return total_commission(self.result)

    def describe(self) -> str:
        """`SELL 406 AAA: filled 200, CANCELLED`, with the broker's words when it had some."""
        trade, result = self.trade, self.result
        words = f": {result.message}" if result.message else ""
        return f"{trade.side} {trade.quantity} {trade.symbol}: filled {result.filled_quantity}, {result.status}{words}"


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan that was not carried out."""

    planning: Planning
    market: MarketState | None
    """None when the brokerage told no hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRun:
    """A plan that was carried out, entirely or in part."""

    planning: Planning
    orders: tuple[SentOrder, ...]
    """Sells, then buys, as sent."""
    closes_at: datetime
    """When the market closes, and with it the orders that wait for that."""
    cancelled: tuple[OpenOrder, ...]
    """Orders of before that were cancelled first."""
    after: AccountSnapshot | None
    """The account afterwards; None when the brokerage could not tell."""

    @property
    def incomplete(self) -> tuple[SentOrder, ...]:
        """Orders with shares that were not executed, and that will not be."""
        return tuple(order for order in self.orders if not (order.is_complete or order.waits_for_close))

    @property
    def waiting_for_close(self) -> tuple[SentOrder, ...]:
        """Orders that the closing auction will fill."""
        return tuple(order for order in self.orders if order.waits_for_close)


def waits_for_close(result: OrderResult) -> bool:
    """Whether the brokerage has taken an order for the closing auction, which has not come yet."""
    return result.request.order_type is OrderType.MARKET_ON_CLOSE and result.status is OrderStatus.WORKING


def average_price(result: OrderResult) -> Decimal | None:
    """US dollars per executed share of an order; None when none was."""
    filled = result.filled_quantity
    if not filled:
        return None
    return sum((fill.quantity * fill.price for fill in result.fills), Decimal(0)) / filled


def total_commission(result: OrderResult) -> Decimal | None:
    """US dollars paid for the fills of an order, as far as reported; None when none of them was."""
    reported = [fill.dollar_commission for fill in result.fills if fill.dollar_commission is not None]
    return sum(reported, Decimal(0)) if reported or not result.fills else None
