"""Asking for prices: a snapshot of every symbol, side by side, left as soon as waiting cannot improve it.

A symbol that several ask for at a time is asked for once, and a price stays for those who accept its age.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from ib_async import Contract

from broker_connector_base import ContractPrice, PriceSource, PriceUnavailable
from ibkr_connector.contracts import QualifiedStock
from ibkr_connector.price_choice import PriceLimits, Quote, choose_price, is_settled, why_none
from ibkr_connector.session import GatewaySession

_MAX_LINES: Final = 50
"""Quotes asked for at a time: a login has 100 market data lines, and others may use some."""
_MAX_KEPT_LINES: Final = 25
"""Lines that are not given back yet, in addition to those."""
_KEEP_LINE_SECONDS: Final = 1.5
"""How long giving a line back waits: orders are about to follow the prices, and both count towards the pace."""


class PriceBook:
    """The prices of one session."""

    def __init__(self, session: GatewaySession, now: Callable[[], datetime]) -> None:
        self._session = session
        self._now = now
        self._limits = PriceLimits(
            Decimal(str(session.settings.max_spread_percent)), session.settings.max_last_age_seconds
        )
        self._lines = asyncio.Semaphore(_MAX_LINES)
        self._kept_lines: set[_MarketLine] = set()
        self._asked: dict[str, asyncio.Task[Quote]] = {}
        self._known: dict[str, ContractPrice] = {}

    async def read(
        self, stocks: Sequence[QualifiedStock], *, allow_previous_close: bool, max_age_seconds: float
    ) -> Mapping[str, ContractPrice]:
        """The best obtainable price of every stock; one read before, if it is no older than that.

        Raises:
            PriceUnavailable: naming every symbol without one, and why.
        """
        young = {
            stock.symbol: price
            for stock in stocks
            if (price := self._young(stock.symbol, max_age_seconds, allow_previous_close=allow_previous_close))
        }
        missing = [stock for stock in stocks if stock.symbol not in young]
        quotes = await asyncio.gather(*(self._quote(stock) for stock in missing))
        fresh = self._chosen(
            {stock.symbol: quote for stock, quote in zip(missing, quotes, strict=True)},
            allow_previous_close=allow_previous_close,
        )
        return {stock.symbol: (young | fresh)[stock.symbol] for stock in stocks}

    def _young(self, symbol: str, max_age_seconds: float, *, allow_previous_close: bool) -> ContractPrice | None:
        price = self._known.get(symbol)
        if price is None or max_age_seconds <= 0 or price.age_seconds(self._now()) > max_age_seconds:
            return None
        return price if allow_previous_close or price.source is not PriceSource.PREVIOUS_CLOSE else None

    def _chosen(self, quotes: Mapping[str, Quote], *, allow_previous_close: bool) -> dict[str, ContractPrice]:
        prices = {
            symbol: price
            for symbol, quote in quotes.items()
            if (price := choose_price(symbol, quote, self._limits, allow_previous_close=allow_previous_close))
        }
        self._known.update(prices)
        missing = {symbol: quote for symbol, quote in quotes.items() if symbol not in prices}
        if without := {symbol: why_none(quote, self._limits) for symbol, quote in missing.items()}:
            raise PriceUnavailable(without, _reasons(without))
        return prices

    async def _quote(self, stock: QualifiedStock) -> Quote:
        asked = self._asked.get(stock.symbol)
        if asked is None:
            asked = self._asked[stock.symbol] = asyncio.create_task(self._ask(stock))
            asked.add_done_callback(lambda task: self._answered(stock.symbol, task))
        # Others may wait for the same answer: a caller who is cancelled leaves the question alone.
        return await asyncio.shield(asked)

    def _answered(self, symbol: str, task: asyncio.Task[Quote]) -> None:
        del self._asked[symbol]
        if not task.cancelled():
            task.exception()  # retrieved, in case every caller is gone

    async def _ask(self, stock: QualifiedStock) -> Quote:
        async with self._lines:
            return await self._read_quote(stock.contract())

    async def _read_quote(self, contract: Contract) -> Quote:
        session, limits, what = self._session, self._limits, f"price of {contract.symbol}"
        session.require_connection(what)
        request_id: int = session.raw.getReqId()
        quote = session.quotes.open(request_id)
        line = _MarketLine(session, contract, request_id, quote)
        try:
            line.ask()
            await session.wait_until(lambda: is_settled(quote, limits), session.settings.price_wait_seconds, what)
        finally:
            self._leave(line)
        return replace(quote, ticks=dict(quote.ticks))

    def _leave(self, line: "_MarketLine") -> None:
        if line.is_free or len(self._kept_lines) >= _MAX_KEPT_LINES:
            line.give_back()
            return
        self._kept_lines.add(line)
        asyncio.get_running_loop().call_later(_KEEP_LINE_SECONDS, self._give_back, line)

    def _give_back(self, line: "_MarketLine") -> None:
        self._kept_lines.discard(line)
        line.give_back()


class _MarketLine:
    """The line that one snapshot takes at the gateway until it ends or is cancelled."""

    def __init__(self, session: GatewaySession, contract: Contract, request_id: int, quote: Quote) -> None:
        self._session = session
        self._contract = contract
        self._id = request_id
        self._quote = quote

    @property
    def is_free(self) -> bool:
        """The snapshot is over without our doing."""
        return bool(self._quote.has_ended or self._quote.failure or self._session.lost.done())

    def ask(self) -> None:
        """Ask for the snapshot."""
        self._session.raw.reqMktData(self._id, self._contract, "", True, False, [])  # noqa: FBT003 - snapshot, not regulatory

    def give_back(self) -> None:
        """Cancel what has not ended by itself, and listen no more."""
        self._session.quotes.close(self._id)
        if not self.is_free:
            self._session.raw.cancelMktData(self._id)


def _reasons(without: Mapping[str, str]) -> str:
    """`halted (TLT); the gateway sent none (GLD, SPY)`."""
    symbols: defaultdict[str, list[str]] = defaultdict(list)
    for symbol in sorted(without):
        symbols[without[symbol]].append(symbol)
    return "; ".join(f"{reason} ({', '.join(named)})" for reason, named in sorted(symbols.items()))
