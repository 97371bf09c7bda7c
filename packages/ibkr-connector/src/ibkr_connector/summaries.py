"""Account summaries: each freshly subscribed to, for a standing subscription is refreshed every 3 minutes only."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

from ibkr_connector.session import GatewaySession

_MAX_SUBSCRIPTIONS: Final = 2
"""The gateway allows no more subscriptions to account summaries at a time."""
_KEEP_SECONDS: Final = 1.5
"""How long giving one back waits: orders are about to follow the answer, and both count towards the pace."""

SUMMARY_TAGS: Final = (
    "AccountType,NetLiquidation,TotalCashValue,SettledCash,AvailableFunds,BuyingPower,DayTradesRemaining,$LEDGER:ALL"
)


class SummarySubscriptions:
    """The subscriptions of one session. An answered one is given back later, or for the next one."""

    def __init__(self, session: GatewaySession) -> None:
        self._session = session
        self._places = asyncio.Semaphore(_MAX_SUBSCRIPTIONS)
        self._unanswered = 0
        self._answered: deque[int] = deque()

    @asynccontextmanager
    async def subscribed(self, what: str) -> AsyncGenerator[int]:
        """A request number with a place among the subscriptions, for `ask`."""
        session = self._session
        async with self._places:
            session.require_connection(what)
            if self._unanswered + len(self._answered) >= _MAX_SUBSCRIPTIONS:
                self._give_back(self._answered[0])
            request_id: int = session.raw.getReqId()
            self._unanswered += 1
            session.accounts.open_summary(request_id)
            try:
                yield request_id
            finally:
                self._unanswered -= 1
                session.accounts.close_summary(request_id)
                self._answered.append(request_id)
                asyncio.get_running_loop().call_later(_KEEP_SECONDS, self._give_back, request_id)

    def ask(self, request_id: int) -> asyncio.Future[Any]:
        """Subscribe; done when every figure has been told once."""
        wrapper: Any = self._session.ib.wrapper
        end: asyncio.Future[Any] = wrapper.startReq(request_id)
        self._session.raw.reqAccountSummary(request_id, "All", SUMMARY_TAGS)
        return end

    def _give_back(self, request_id: int) -> None:
        if request_id in self._answered:
            self._answered.remove(request_id)
            if not self._session.lost.done():
                self._session.raw.cancelAccountSummary(request_id)
