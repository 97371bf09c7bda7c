"""Waiting for the effect of fills to show up in an account's cash."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from ibkr_connector.account_values import pushed_cash, summary_cash
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession

_FIRST_PATIENCE_SECONDS: Final = 0.5


async def await_cash(
    session: GatewaySession,
    requests: Requests,
    account_id: str,
    *,
    is_enough: Callable[[Decimal], bool],
    timeout_seconds: float,
) -> Decimal:
    """US-dollar cash once the condition holds for it, as told by whichever subscription tells it first.

    The gateway refreshes account updates after trades and standing summaries every three minutes; both are listened
    to. Because neither is promised to come soon, a silence is also ended by asking afresh, each time after twice as
    long. At the deadline: the figure of a fresh summary.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_seconds
    patience = _FIRST_PATIENCE_SECONDS
    async with requests.summary_stream(account_id) as summary, requests.account_updates(account_id) as updates:

        def find() -> Decimal | None:
            told = (summary_cash(account_id, summary()), pushed_cash(updates()))
            return next((cash for cash in told if cash is not None and is_enough(cash)), None)

        while True:
            seconds = min(patience, deadline - loop.time())
            await session.wait_until(lambda: find() is not None, seconds, f"cash of {account_id}")
            if (found := find()) is not None:
                return found
            fresh = summary_cash(account_id, await requests.account_summary(account_id))
            if is_enough(fresh) or loop.time() >= deadline:
                return fresh
            patience *= 2
