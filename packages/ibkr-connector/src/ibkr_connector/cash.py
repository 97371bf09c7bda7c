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
    """US-dollar cash once the condition holds for it, as pushed or as asked for; at the deadline as asked for.

    The gateway pushes account updates after trades, at a time of its own, and refreshes standing summaries every
    three minutes only. So pushed figures are listened to, and a silence is ended by a fresh summary, each time after
    twice as long.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_seconds
    patience = _FIRST_PATIENCE_SECONDS
    async with requests.account_updates(account_id) as updates:

        def is_pushed() -> bool:
            cash = pushed_cash(updates.figures)
            return cash is not None and is_enough(cash)

        while True:
            asked = summary_cash(account_id, await requests.account_summary(account_id))
            if is_enough(asked) or loop.time() >= deadline:
                return asked
            seconds = min(patience, deadline - loop.time())
            await session.wait_until(is_pushed, seconds, f"cash of {account_id}")
            pushed = pushed_cash(updates.figures)
            if pushed is not None and is_enough(pushed):
                return pushed
            patience *= 2
