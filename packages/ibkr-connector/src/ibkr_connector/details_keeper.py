"""Contract details asked for while nothing else goes on, so that a rebalance finds those of its symbols at hand."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from broker_connector_base import BrokerError
from ibkr_connector.details_book import DetailsBook
from ibkr_connector.mapping import from_gateway
from ibkr_connector.session import GatewaySession

_REFRESHED_AFTER: Final = timedelta(minutes=10)
_MOST_SYMBOLS: Final = 200
_QUIET_MESSAGES: Final = 10
"""More than so many in the last second mean that something goes on."""


class DetailsKeeper:
    """Keeps the details young of symbols that are held or were asked for, for as long as the session lasts.

    Slowly, and never while more urgent messages fill the pace. Times are in seconds.
    """

    def __init__(
        self,
        session: GatewaySession,
        book: DetailsBook,
        asked_for: Callable[[], Iterable[str]],
        now: Callable[[], datetime],
        *,
        spacing: float = 0.25,
        interval: float = 60.0,
    ) -> None:
        self._session = session
        self._book = book
        self._asked_for = asked_for
        self._now = now
        self._spacing = spacing
        self._interval = interval
        self._tried: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with what is held."""
        self._task = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while not self._session.lost.done():
            for symbol in self._due():
                await self._quiet()
                if self._is_due(symbol):
                    await self._refresh(symbol)
            await self._wait(self._interval)

    def _due(self) -> list[str]:
        held = (each.contract for each in self._session.ib.positions())
        stocks = [
            from_gateway(contract) for contract in held if (contract.secType, contract.currency) == ("STK", "USD")
        ]
        symbols = list(dict.fromkeys([*stocks, *self._asked_for()]))[:_MOST_SYMBOLS]
        return [symbol for symbol in symbols if self._is_due(symbol)]

    def _is_due(self, symbol: str) -> bool:
        tried, now = self._tried.get(symbol), self._now()
        was_tried = tried is not None and timedelta(0) <= now - tried <= _REFRESHED_AFTER
        return not was_tried and not self._book.is_young(symbol, _REFRESHED_AFTER)

    async def _quiet(self) -> None:
        """Wait for a moment in which nothing else is going on."""
        await self._wait(self._spacing)
        loop = asyncio.get_running_loop()
        while not self._session.lost.done() and self._session.pace.counted(loop.time()) > _QUIET_MESSAGES:
            await self._wait(self._spacing)

    async def _refresh(self, symbol: str) -> None:
        self._tried[symbol] = self._now()
        try:
            await self._book.ask(symbol)
        except BrokerError:
            # Whoever needs the details asks again, and is told what is wrong.
            return

    async def _wait(self, seconds: float) -> None:
        await asyncio.wait({self._session.lost}, timeout=seconds)
