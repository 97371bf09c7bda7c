"""Ticks and bars."""

from collections.abc import Sequence
from decimal import Decimal

from sandbox.gateway.fields import Value
from sandbox.gateway.message_ids import Answer
from sandbox.world.history import Bar
from sandbox.world.market import Quote

BID, ASK, LAST, CLOSE = 1, 2, 4, 9
DELAYED_BID, DELAYED_ASK, DELAYED_LAST, DELAYED_CLOSE = 66, 67, 68, 75
HALTED = 49
NO_PRICE = Decimal(-1)

_LOT = 100


def tick_price(request_id: int, tick: int, price: Decimal | None) -> list[Value]:
    """A price with its size; without a price -1 and no size."""
    size = 0 if price is None else _LOT
    return [Answer.TICK_PRICE, 6, request_id, tick, NO_PRICE if price is None else price, size, 0]


def tick_generic(request_id: int, tick: int, value: int) -> list[Value]:
    return [Answer.TICK_GENERIC, 6, request_id, tick, value]


def tick_parameters(request_id: int, tick_size: Decimal) -> list[Value]:
    """The smallest price step of what follows."""
    return [Answer.TICK_REQUEST_PARAMETERS, request_id, tick_size, "9c0001", 3]


def market_data_type(request_id: int, data_type: int) -> list[Value]:
    """Whether what follows is live (1), frozen (2), delayed (3) or both (4)."""
    return [Answer.MARKET_DATA_TYPE, 1, request_id, data_type]


def snapshot_end(request_id: int) -> list[Value]:
    return [Answer.SNAPSHOT_END, 1, request_id]


def quote_ticks(request_id: int, quote: Quote, *, delayed: bool) -> list[list[Value]]:
    """All ticks of a quote. Bid and ask are told even when missing; last and close only when there are any."""
    bid, ask, last, close = (
        (DELAYED_BID, DELAYED_ASK, DELAYED_LAST, DELAYED_CLOSE) if delayed else (BID, ASK, LAST, CLOSE)
    )
    ticks = [tick_price(request_id, bid, quote.bid), tick_price(request_id, ask, quote.ask)]
    known = [(last, quote.last), (close, quote.close)]
    return ticks + [tick_price(request_id, tick, price) for tick, price in known if price is not None]


def historical_data(request_id: int, bars: Sequence[Bar], *, as_seconds: bool) -> list[Value]:
    """Bars, oldest first; days are written as dates unless seconds were asked for."""
    first, last = (f"{bar.day:%Y%m%d} 00:00:00" for bar in (bars[0], bars[-1]))
    fields: list[Value] = [Answer.HISTORICAL_DATA, request_id, first, last, len(bars)]
    for bar in bars:
        day = str(bar.epoch_seconds) if as_seconds else f"{bar.day:%Y%m%d}"
        fields += [day, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.close, 1000]
    return fields
