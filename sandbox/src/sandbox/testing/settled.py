"""Waiting for an order to reach a state, by its own events."""

import asyncio
from collections.abc import Callable

from ib_async import Trade

_TIMEOUT_SECONDS = 5.0


async def until_trade(trade: Trade, wanted: Callable[[Trade], bool]) -> Trade:
    """The trade once it is as wanted.

    Raises:
        TimeoutError: it is not within a few seconds.
    """
    changed = asyncio.Event()

    def note(*_: object) -> None:
        changed.set()

    trade.statusEvent += note
    trade.fillEvent += note
    trade.commissionReportEvent += note
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        while not wanted(trade):
            changed.clear()
            await changed.wait()
    return trade


async def until_status(trade: Trade, *statuses: str) -> Trade:
    """The trade once its status is one of these.

    Raises:
        TimeoutError: it is not within a few seconds.
    """
    return await until_trade(trade, lambda changed: changed.orderStatus.status in statuses)
