"""Waiting for the proceeds of sells to show up as cash."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from ibkr_connector.account_values import pushed_cash, summary_cash
from ibkr_connector.messages import AccountFigure
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession

_Figures = Callable[[], tuple[AccountFigure, ...]]

_FIRST_PATIENCE_SECONDS: Final = 0.5


async def await_cash(
    session: GatewaySession, requests: Requests, account_id: str, *, at_least: Decimal, timeout_seconds: float
) -> Decimal:
    """US-dollar cash once it reaches the amount, as told by whichever subscription tells it first.

    The gateway refreshes account updates after trades and standing summaries every three minutes; both are listened
    to. Because neither is promised to come soon, a silence is also ended by asking afresh, each time after twice as
    long. At the deadline: the figure of a fresh summary.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_seconds
    patience = _FIRST_PATIENCE_SECONDS
    async with requests.summary_stream(account_id) as summary, requests.account_updates(account_id) as updates:

        def is_there() -> bool:
            return _best(account_id, summary, updates) >= at_least

        while True:
            seconds = min(patience, deadline - loop.time())
            if await session.wait_until(is_there, seconds, f"cash of {account_id}"):
                return _best(account_id, summary, updates)
            fresh = summary_cash(account_id, await requests.account_summary(account_id))
            if fresh >= at_least or loop.time() >= deadline:
                return fresh
            patience *= 2


def _best(account_id: str, summary: _Figures, updates: _Figures) -> Decimal:
    told = summary_cash(account_id, summary())
    pushed = pushed_cash(updates())
    return told if pushed is None else max(told, pushed)
