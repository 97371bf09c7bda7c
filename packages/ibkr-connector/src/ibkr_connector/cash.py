"""Waiting for the effect of fills to show up in an account's cash."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ibkr_connector.account_values import pushed_cash, summary_cash
from ibkr_connector.messages import AccountFigure
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession

PUSH_PATIENCE_SECONDS: Final = 0.05
"""How long a figure that is pushed may follow the executions behind it before it is asked for: about one reply."""
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
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    wait = _CashWait(session, requests, account_id, is_enough, deadline)
    pushed = await wait.pushed_since_order()
    if pushed is not None:
        return pushed
    asked = await wait.ask()
    return asked if wait.is_over(asked) else await wait.until_enough()


@dataclass(frozen=True, slots=True)
class _CashWait:
    """One wait for cash; the deadline is on the loop's clock."""

    session: GatewaySession
    requests: Requests
    account_id: str
    is_enough: Callable[[Decimal], bool]
    deadline: float

    async def pushed_since_order(self) -> Decimal | None:
        """Enough cash as pushed since the account's last order was sent: such a figure need not be asked for."""
        accounts, account_id = self.session.accounts, self.account_id
        if accounts.pushed_since_order(account_id) is None:
            return None
        return await self._pushed(lambda: accounts.pushed_since_order(account_id) or (), PUSH_PATIENCE_SECONDS)

    async def ask(self) -> Decimal:
        """Cash as asked for."""
        return summary_cash(self.account_id, await self.requests.account_summary(self.account_id))

    def is_over(self, asked: Decimal) -> bool:
        """True when this figure is enough, or the last one there is time for."""
        return self.is_enough(asked) or asyncio.get_running_loop().time() >= self.deadline

    async def until_enough(self) -> Decimal:
        """Listen and ask by turns."""
        patience = _FIRST_PATIENCE_SECONDS
        async with self.requests.account_updates(self.account_id) as updates:
            while True:
                seconds = min(patience, self.deadline - asyncio.get_running_loop().time())
                pushed = await self._pushed(lambda: updates.figures, seconds)
                if pushed is not None:
                    return pushed
                asked = await self.ask()
                if self.is_over(asked):
                    return asked
                patience *= 2

    async def _pushed(self, figures: Callable[[], Iterable[AccountFigure]], seconds: float) -> Decimal | None:
        """Enough cash among figures that come in time."""

        def enough() -> Decimal | None:
            cash = pushed_cash(figures())
            return cash if cash is not None and self.is_enough(cash) else None

        await self.session.wait_until(lambda: enough() is not None, seconds, f"cash of {self.account_id}")
        return enough()
