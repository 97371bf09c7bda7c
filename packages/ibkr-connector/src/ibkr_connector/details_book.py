"""Contract details of one session: asked for once at a time, and kept for a short while."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ib_async import ContractDetails

from ibkr_connector.hours import find_zone

_KEPT_FOR: Final = timedelta(minutes=15)

Find = Callable[[str], Awaitable[ContractDetails | str]]
"""Asks the gateway for the details of a symbol; a text says why there are none."""


@dataclass(frozen=True, slots=True)
class _Kept:
    details: ContractDetails
    asked_at: datetime

    def is_young(self, now: datetime, most: timedelta) -> bool:
        """Hours are told by the day: what was asked for on another day of the exchange says nothing today."""
        if not timedelta(0) <= now - self.asked_at <= most:
            return False
        try:
            zone = find_zone(self.details.timeZoneId)
        except ValueError:
            return False
        return now.astimezone(zone).date() == self.asked_at.astimezone(zone).date()


class DetailsBook:
    """Details by symbol. Those who ask at the same time share one request; a new session starts with none."""

    def __init__(self, find: Find, now: Callable[[], datetime]) -> None:
        self._find = find
        self._now = now
        self._asked: dict[str, asyncio.Task[ContractDetails | str]] = {}
        self._kept: dict[str, _Kept] = {}

    async def read(self, symbol: str) -> ContractDetails | str:
        """The details, or why there are none; no older than 15 minutes and of the exchange's present day."""
        kept = self._kept.get(symbol)
        return kept.details if kept and kept.is_young(self._now(), _KEPT_FOR) else await self.ask(symbol)

    def is_young(self, symbol: str, most: timedelta) -> bool:
        """True when the details are at hand, of the exchange's present day and no older than this."""
        kept = self._kept.get(symbol)
        return kept is not None and kept.is_young(self._now(), most)

    async def ask(self, symbol: str) -> ContractDetails | str:
        """The details as they are now."""
        asked = self._asked.get(symbol)
        if asked is None:
            asked = self._asked[symbol] = asyncio.create_task(self._ask(symbol))
            asked.add_done_callback(lambda task: self._answered(symbol, task))
        # Others may wait for the same answer: a caller who is cancelled leaves the question alone.
        return await asyncio.shield(asked)

    async def _ask(self, symbol: str) -> ContractDetails | str:
        asked_at = self._now()
        answer = await self._find(symbol)
        if isinstance(answer, ContractDetails):
            self._kept[symbol] = _Kept(answer, asked_at)
        return answer

    def _answered(self, symbol: str, task: asyncio.Task[ContractDetails | str]) -> None:
        del self._asked[symbol]
        if not task.cancelled():
            task.exception()  # retrieved, in case every caller is gone
