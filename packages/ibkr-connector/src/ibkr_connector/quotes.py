"""Ticks of price requests, collected by request number."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from ibkr_connector.error_codes import fails_request
from ibkr_connector.messages import DataTypeTold, ErrorTold, QuoteEnded, QuoteFactTold, TickTold
from ibkr_connector.numbers import known_number
from ibkr_connector.price_choice import BID_ASK_TICKS, Quote

_HALTED: Final = 49
"""Tick of a halt: 0 none, 1 a general one, 2 for volatility; -1 not known."""
_LAST_TRADED: Final = frozenset({45, 88})
"""Ticks with the time of the last trade in seconds since 1970, live and delayed."""


class QuoteBoard:
    """The quotes that are being asked for right now."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._quotes: dict[int, Quote] = {}

    def open(self, request_id: int) -> Quote:
        """Collect ticks of this request from now on."""
        quote = Quote(observed_at=self._now())
        self._quotes[request_id] = quote
        return quote

    def close(self, request_id: int) -> None:
        """Collect no more."""
        self._quotes.pop(request_id, None)

    def take(self, message: TickTold | DataTypeTold | QuoteFactTold | QuoteEnded) -> None:
        """Note a tick, the kind of data, a fact, or the end."""
        quote = self._quotes.get(message.request_id)
        if quote is None:
            return
        match message:
            case TickTold():
                self._tick(quote, message)
            case DataTypeTold(_, data_type):
                quote.data_type = data_type
            case QuoteFactTold():
                note_fact(quote, message)
            case QuoteEnded():
                quote.has_ended = True

    def failed(self, error: ErrorTold) -> None:
        """Note an error about a price request."""
        quote = self._quotes.get(error.request_id)
        if quote and fails_request(error.code):
            quote.failure = str(error)

    def _tick(self, quote: Quote, tick: TickTold) -> None:
        # A bid or ask for no shares is none, and -1 stands for "no price".
        price, size = known_number(tick.price), known_number(tick.size)
        if price is not None and price > 0 and (tick.tick_type not in BID_ASK_TICKS or (size is not None and size > 0)):
            quote.ticks[tick.tick_type] = price
            quote.observed_at = self._now()
        else:
            quote.ticks.pop(tick.tick_type, None)


def note_fact(quote: Quote, fact: QuoteFactTold) -> None:
    """Note a halt or the time of the last trade; facts that cannot be read say nothing."""
    with suppress(ValueError, OverflowError, OSError):
        if fact.tick_type == _HALTED:
            quote.is_halted = float(fact.value) > 0
        elif fact.tick_type in _LAST_TRADED:
            quote.last_traded_at = datetime.fromtimestamp(float(fact.value), UTC)
