"""Planning and carrying out one account's rebalance, against any brokerage."""

from event_processor.rebalancer.day_trading import Blocked, trading_day
from event_processor.rebalancer.outcome import (
    LiveRun,
    Preview,
    SentOrder,
    average_price,
    total_commission,
    waits_for_close,
)
from event_processor.rebalancer.planning import Planning
from event_processor.rebalancer.rebalancer import Rebalancer

__all__ = [
    "Blocked",
    "LiveRun",
    "Planning",
    "Preview",
    "Rebalancer",
    "SentOrder",
    "average_price",
    "total_commission",
    "trading_day",
    "waits_for_close",
]
