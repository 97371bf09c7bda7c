"""Which price of a quote to believe."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from broker_connector_base import ContractPrice, PriceSource


class _Ticks(NamedTuple):
    """Tick types of one feed."""

    bid: int
    ask: int
    last: int
    close: int


_REGULAR: Final = _Ticks(1, 2, 4, 9)
_DELAYED: Final = _Ticks(66, 67, 68, 75)
BID_ASK_TICKS: Final = frozenset({_REGULAR.bid, _REGULAR.ask, _DELAYED.bid, _DELAYED.ask})

_LIVE: Final = 1
_DELAYED_TYPES: Final = frozenset({3, 4})


@dataclass(slots=True)
class Quote:
    """What a price request has brought so far: usable prices by tick type."""

    observed_at: datetime
    ticks: dict[int, Decimal] = field(default_factory=dict[int, Decimal])
    data_type: int = _LIVE
    """1 live, 2 frozen, 3 delayed, 4 delayed and frozen; ordinary ticks of any but 1 are not live."""
    has_ended: bool = False
    failure: str = ""

    @property
    def is_live(self) -> bool:
        """True when ordinary ticks are live."""
        return self.data_type == _LIVE


def choose_price(
    symbol: str, quote: Quote, *, max_spread_percent: Decimal, allow_previous_close: bool
) -> ContractPrice | None:
    """The best usable price: live mid, live last, delayed mid or last, and if allowed the previous close."""
    regular, delayed = quote.ticks.get, _first_delayed
    live_mid = _mid(quote, _REGULAR, max_spread_percent) if quote.is_live else None
    live_last = regular(_REGULAR.last) if quote.is_live else None
    candidates = (
        (PriceSource.LIVE_MID, live_mid),
        (PriceSource.LIVE_LAST, live_last),
        (PriceSource.DELAYED, delayed(quote, max_spread_percent)),
        (PriceSource.PREVIOUS_CLOSE, _close(quote) if allow_previous_close else None),
    )
    for source, price in candidates:
        if price is not None:
            return _priced(symbol, quote, source, price)
    return None


def is_settled(quote: Quote, *, max_spread_percent: Decimal) -> bool:
    """True when waiting longer cannot bring a better price than the one there is."""
    if quote.has_ended or quote.failure:
        return True
    if quote.is_live:
        if _mid(quote, _REGULAR, max_spread_percent) is not None:
            return True
        return all(tick in quote.ticks for tick in (_REGULAR.bid, _REGULAR.ask, _REGULAR.last))
    feed = _DELAYED if quote.data_type in _DELAYED_TYPES and _DELAYED.bid in quote.ticks else _REGULAR
    return _mid(quote, feed, max_spread_percent) is not None


def _first_delayed(quote: Quote, max_spread_percent: Decimal) -> Decimal | None:
    feeds = (_DELAYED,) if quote.is_live else (_DELAYED, _REGULAR)
    mids = (_mid(quote, feed, max_spread_percent) for feed in feeds)
    lasts = (quote.ticks.get(feed.last) for feed in feeds)
    return next((price for price in (*mids, *lasts) if price is not None), None)


def _mid(quote: Quote, feed: _Ticks, max_spread_percent: Decimal) -> Decimal | None:
    bid, ask = quote.ticks.get(feed.bid), quote.ticks.get(feed.ask)
    if bid is None or ask is None or bid > ask:
        return None
    mid = (bid + ask) / 2
    return mid if (ask - bid) * 100 <= max_spread_percent * mid else None


def _close(quote: Quote) -> Decimal | None:
    return quote.ticks.get(_REGULAR.close) or quote.ticks.get(_DELAYED.close)


def _priced(symbol: str, quote: Quote, source: PriceSource, price: Decimal) -> ContractPrice:
    is_from_live = source in (PriceSource.LIVE_MID, PriceSource.LIVE_LAST)
    feed = _REGULAR if is_from_live or _DELAYED.bid not in quote.ticks else _DELAYED
    return ContractPrice(
        symbol=symbol,
        price=price,
        source=source,
        observed_at=quote.observed_at,
        bid=quote.ticks.get(feed.bid),
        ask=quote.ticks.get(feed.ask),
    )
