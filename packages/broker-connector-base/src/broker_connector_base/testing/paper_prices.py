"""Prices as one client of a paper brokerage reads and remembers them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from broker_connector_base.errors import PriceUnavailable
from broker_connector_base.models import ContractPrice, PriceSource
from broker_connector_base.testing.paper_brokerage import PaperBrokerage


class PaperPrices:
    """Asks the brokerage, unless a price read before is young enough; the journal tells which."""

    def __init__(self, brokerage: PaperBrokerage) -> None:
        self._brokerage = brokerage
        self._read: dict[str, ContractPrice] = {}

    def read(
        self, symbols: Sequence[str], *, allow_previous_close: bool, max_age_seconds: float
    ) -> Mapping[str, ContractPrice]:
        """Prices by symbol.

        Raises:
            PriceUnavailable: naming every symbol without one.
            ContractUnknown: there is no such stock.
        """
        cached = self._young_enough(symbols, self._brokerage.now(), max_age_seconds)
        usable = {
            symbol: price
            for symbol in symbols
            if (price := cached.get(symbol) or self._brokerage.price(symbol))
            and (allow_previous_close or price.source is not PriceSource.PREVIOUS_CLOSE)
        }
        if missing := set(symbols) - usable.keys():
            raise PriceUnavailable(missing, "the paper brokerage has none")
        self._read.update(usable)
        return usable

    def _young_enough(self, symbols: Sequence[str], now: datetime, max_age_seconds: float) -> dict[str, ContractPrice]:
        young = {
            symbol: self._read[symbol]
            for symbol in symbols
            if max_age_seconds > 0 and symbol in self._read and self._read[symbol].age_seconds(now) <= max_age_seconds
        }
        if young:
            self._brokerage.journal.record("cached_prices", ",".join(sorted(young)))
        return young
