"""Asking for prices: a snapshot of every symbol, side by side, left as soon as waiting cannot improve it."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ib_async import Contract

from broker_connector_base import ContractPrice, PriceUnavailable
from ibkr_connector.contracts import QualifiedStock
from ibkr_connector.price_choice import Quote, choose_price, is_settled
from ibkr_connector.session import GatewaySession

_MAX_LINES: Final = 50
"""Quotes asked for at a time: a login has 100 market data lines, and others may use some."""


async def read_prices(
    session: GatewaySession, stocks: Sequence[QualifiedStock], *, allow_previous_close: bool
) -> Mapping[str, ContractPrice]:
    """The best obtainable price of every stock.

    Raises:
        PriceUnavailable: naming every symbol without one, and why.
    """
    lines = asyncio.Semaphore(_MAX_LINES)
    limit = Decimal(str(session.settings.max_spread_percent))

    async def read(stock: QualifiedStock) -> tuple[Quote, ContractPrice | None]:
        async with lines:
            quote = await _read_quote(session, stock.contract(), limit)
        price = choose_price(stock.symbol, quote, max_spread_percent=limit, allow_previous_close=allow_previous_close)
        return quote, price

    answers = await asyncio.gather(*(read(stock) for stock in stocks))
    by_symbol = {stock.symbol: answer for stock, answer in zip(stocks, answers, strict=True)}
    missing = {symbol: quote for symbol, (quote, price) in by_symbol.items() if price is None}
    if missing:
        reasons = sorted({quote.failure or "the gateway sent none" for quote in missing.values()})
        raise PriceUnavailable(missing, "; ".join(reasons))
    return {symbol: price for symbol, (_, price) in by_symbol.items() if price is not None}


async def _read_quote(session: GatewaySession, contract: Contract, max_spread_percent: Decimal) -> Quote:
    what = f"price of {contract.symbol}"
    session.require_connection(what)
    raw, wrapper = session.raw, _wrapper(session)
    request_id: int = raw.getReqId()
    quote = session.quotes.open(request_id)
    line = f"quote-{request_id}"
    ticker = wrapper.startTicker(request_id, contract, line)
    try:
        raw.reqMktData(request_id, contract, "", True, False, [])  # noqa: FBT003 - snapshot, not regulatory
        seconds = session.settings.price_wait_seconds
        await session.wait_until(lambda: is_settled(quote, max_spread_percent=max_spread_percent), seconds, what)
    finally:
        session.quotes.close(request_id)
        wrapper.endTicker(ticker, line)
        if not (quote.has_ended or quote.failure or session.lost.done()):
            raw.cancelMktData(request_id)
    return quote


def _wrapper(session: GatewaySession) -> Any:
    """ib_async's side of a request, which must know its number, or it complains about every tick."""
    return session.ib.wrapper
