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
_DELAY_SECONDS: Final = 20 * 60
_DELAYED_TYPES: Final = frozenset({3, 4})


@dataclass(slots=True)
class Quote:
    """What a price request has brought so far: usable prices by tick type."""

    observed_at: datetime
    ticks: dict[int, Decimal] = field(default_factory=dict[int, Decimal])
    data_type: int = _LIVE
    """1 live, 2 frozen, 3 delayed, 4 delayed and frozen; ordinary ticks of any but 1 are not live."""
    last_traded_at: datetime | None = None
    """When the last price came about, where the gateway says so."""
    is_halted: bool = False
    has_ended: bool = False
    failure: str = ""

    @property
    def is_live(self) -> bool:
        """True when ordinary ticks are live."""
        return self.data_type == _LIVE


@dataclass(frozen=True, slots=True)
class PriceLimits:
    """What a price must keep to be believed."""

    max_spread_percent: Decimal
    """Bid and ask further apart, in percent of their mid, give no mid."""
    max_last_age_seconds: float
    """A last trade longer ago is worth no more than the previous close."""


def choose_price(symbol: str, quote: Quote, limits: PriceLimits, *, allow_previous_close: bool) -> ContractPrice | None:
    """The best usable price: live mid, live last, delayed mid or last, and if allowed the previous close.

    Of a halted stock only the previous close is usable: what is quoted meanwhile is not what it will trade at.
    """
    candidates = [] if quote.is_halted else _present_prices(quote, limits)
    if allow_previous_close:
        candidates.append((PriceSource.PREVIOUS_CLOSE, _close(quote)))
    for source, price in candidates:
        if price is not None:
            return _priced(symbol, quote, source, price)
    return None


def why_none(quote: Quote, limits: PriceLimits) -> str:
    """Why a quote gives no price, for people."""
    if quote.is_halted:
        return "halted"
    if quote.failure:
        return quote.failure
    for feed in (_REGULAR, _DELAYED):
        bid, ask = quote.ticks.get(feed.bid), quote.ticks.get(feed.ask)
        if bid is not None and ask is not None:
            return f"bid {bid} and ask {ask} are further apart than {limits.max_spread_percent:f} % allow"
    if _REGULAR.last in quote.ticks or _DELAYED.last in quote.ticks:
        return "the last trade is too long ago"
    return "the gateway sent no more than a previous close" if _close(quote) else "the gateway sent none"


def is_settled(quote: Quote, limits: PriceLimits) -> bool:
    """True when waiting longer cannot bring a better price than the one there is."""
    if quote.has_ended or quote.failure:
        return True
    if quote.is_halted:
        return _close(quote) is not None
    if quote.is_live:
        if _mid(quote, _REGULAR, limits) is not None:
            return True
        return all(tick in quote.ticks for tick in (_REGULAR.bid, _REGULAR.ask, _REGULAR.last))
    feed = _DELAYED if quote.data_type in _DELAYED_TYPES and _DELAYED.bid in quote.ticks else _REGULAR
    return _mid(quote, feed, limits) is not None


def _present_prices(quote: Quote, limits: PriceLimits) -> list[tuple[PriceSource, Decimal | None]]:
    is_live = quote.is_live
    return [
        (PriceSource.LIVE_MID, _mid(quote, _REGULAR, limits) if is_live else None),
        (PriceSource.LIVE_LAST, _last(quote, _REGULAR, limits) if is_live else None),
        (PriceSource.DELAYED, _first_delayed(quote, limits)),
    ]


def _first_delayed(quote: Quote, limits: PriceLimits) -> Decimal | None:
    feeds = (_DELAYED,) if quote.is_live else (_DELAYED, _REGULAR)
    mids = (_mid(quote, feed, limits) for feed in feeds)
    lasts = (_last(quote, feed, limits) for feed in feeds)
    return next((price for price in (*mids, *lasts) if price is not None), None)


def _last(quote: Quote, feed: _Ticks, limits: PriceLimits) -> Decimal | None:
    """The last price, unless it is known to be too old. Delayed ones are told up to 20 minutes late."""
    traded_at = quote.last_traded_at
    allowed = limits.max_last_age_seconds + (_DELAY_SECONDS if feed is _DELAYED else 0)
    is_too_old = traded_at is not None and (quote.observed_at - traded_at).total_seconds() > allowed
    return None if is_too_old else quote.ticks.get(feed.last)


def _mid(quote: Quote, feed: _Ticks, limits: PriceLimits) -> Decimal | None:
    bid, ask = quote.ticks.get(feed.bid), quote.ticks.get(feed.ask)
    if bid is None or ask is None or bid > ask:
        return None
    mid = (bid + ask) / 2
    return mid if (ask - bid) * 100 <= limits.max_spread_percent * mid else None


def _close(quote: Quote) -> Decimal | None:
    """The previous close, else a last price that is good for nothing better."""
    worst = (_REGULAR.close, _DELAYED.close, _REGULAR.last, _DELAYED.last)
    return next((quote.ticks[tick] for tick in worst if tick in quote.ticks), None)


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
