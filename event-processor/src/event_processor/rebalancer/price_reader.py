"""Prices for plans, and a word about those that were seen before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from broker_connector_base import BrokerClient, ContractPrice
from event_processor.rebalancer.ports import Clock

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PriceReader:
    """Asks for prices: anew for orders, shared by the previews of one minute."""

    broker: BrokerClient
    clock: Clock
    max_age_seconds: float
    """How old a price that was read before may be for a preview to use it again; 0 asks for each anew."""

    async def live(self, symbols: Sequence[str]) -> Mapping[str, ContractPrice]:
        """Prices that orders may be sized on: of this moment, as the account's value is."""
        return await self._read(symbols, allow_previous_close=False, max_age_seconds=0)

    async def preview(self, symbols: Sequence[str]) -> Mapping[str, ContractPrice]:
        """Prices for a plan that nobody acts on, which may be as old as the previous close."""
        return await self._read(symbols, allow_previous_close=True, max_age_seconds=self.max_age_seconds)

    async def _read(
        self, symbols: Sequence[str], *, allow_previous_close: bool, max_age_seconds: float
    ) -> Mapping[str, ContractPrice]:
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
