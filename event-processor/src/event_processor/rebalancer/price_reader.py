"""Prices for plans, and a word about those that were seen before."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from broker_connector_base import BrokerClient, ContractPrice, PriceUnavailable
from event_processor.rebalancer.ports import Clock
from event_processor.side_by_side import every

_log = structlog.get_logger(__name__)

_MOMENT_SECONDS: Final = 2.0
"""Prices that were observed while the account was being read, if that took no longer, are of the same moment."""

Prices = Mapping[str, ContractPrice]


@dataclass(frozen=True, slots=True)
class EarlyPrices:
    """Live prices of some symbols, asked for before all symbols were known."""

    symbols: Sequence[str]
    answer: asyncio.Future[Prices]


@dataclass(frozen=True, slots=True)
class PriceReader:
    """Asks for prices: anew for orders, shared by the previews of one minute."""

    broker: BrokerClient
    clock: Clock
    max_age_seconds: float
    """How old a price that was read before may be for a preview to use it again; 0 asks for each anew."""

    async def live(self, symbols: Sequence[str]) -> Prices:
        """Prices that orders may be sized on: of this moment, as the account's value is."""
        return await self._read(symbols, allow_previous_close=False, max_age_seconds=0)

    async def complete(self, early: EarlyPrices, symbols: Sequence[str]) -> Prices:
        """Live prices of all these symbols: the early ones that are still of this moment, and the others asked for.

        Raises:
            PriceUnavailable: naming every symbol without one.
        """
        others = [symbol for symbol in symbols if symbol not in early.symbols]
        asked = [_answer(early), *([self.live(others)] if others else [])]
        answers, errors = await every(asked)
        if errors:
            raise _together(errors)
        prices = {symbol: price for answer in answers for symbol, price in answer.items()}
        now = self.clock.now()
        if any(price.age_seconds(now) > _MOMENT_SECONDS for price in prices.values()):
            return await self.live(symbols)
        return {symbol: prices[symbol] for symbol in symbols}

    async def preview(self, symbols: Sequence[str]) -> Prices:
        """Prices for a plan that nobody acts on, which may be as old as the previous close."""
        return await self._read(symbols, allow_previous_close=True, max_age_seconds=self.max_age_seconds)

    async def _read(self, symbols: Sequence[str], *, allow_previous_close: bool, max_age_seconds: float) -> Prices:
        asked_at = self.clock.now()
        prices = await self.broker.get_market_prices(
            symbols, allow_previous_close=allow_previous_close, max_age_seconds=max_age_seconds
        )
        ages = {
            symbol: round(quote.age_seconds(asked_at), 1)
            for symbol, quote in sorted(prices.items())
            if quote.observed_at < asked_at
        }
        if ages:
            _log.info("using_cached_price", age_seconds=ages)
        return prices


def _together(errors: Sequence[Exception]) -> Exception:
    """One error that names every symbol without a price; any other error says all by itself."""
    missing = [error for error in errors if isinstance(error, PriceUnavailable)]
    if len(missing) < len(errors):
        return next(error for error in errors if not isinstance(error, PriceUnavailable))
    if len(missing) == 1:
        return missing[0]
    return PriceUnavailable((symbol for error in missing for symbol in error.symbols), "; ".join(map(str, missing)))


async def _answer(early: EarlyPrices) -> Prices:
    return await early.answer
