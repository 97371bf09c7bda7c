"""Waiting for the proceeds of sells to show up as cash."""

from collections.abc import Callable
from decimal import Decimal

from ibkr_connector.account_values import pushed_cash, summary_cash
from ibkr_connector.messages import AccountFigure
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession

_Figures = Callable[[], tuple[AccountFigure, ...]]


async def await_cash(
    session: GatewaySession, requests: Requests, account_id: str, *, at_least: Decimal, timeout_seconds: float
) -> Decimal:
    """US-dollar cash once it reaches the amount, as told by whichever subscription tells it first.

    The summary and the account updates are refreshed by the gateway at different times, after a trade and every few
    minutes; both are listened to. At the deadline: the figure of a fresh summary.
    """
    async with requests.summary_stream(account_id) as summary, requests.account_updates(account_id) as updates:

        def is_there() -> bool:
            return _best(account_id, summary, updates) >= at_least

        if await session.wait_until(is_there, timeout_seconds, f"cash of {account_id}"):
            return _best(account_id, summary, updates)
    return summary_cash(account_id, await requests.account_summary(account_id))


def _best(account_id: str, summary: _Figures, updates: _Figures) -> Decimal:
    told = summary_cash(account_id, summary())
    pushed = pushed_cash(updates())
    return told if pushed is None else max(told, pushed)
