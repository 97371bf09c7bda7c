"""Executions as they are told, for whoever keeps books: also of orders that nobody follows any more."""

from collections.abc import AsyncGenerator
from contextlib import suppress
from decimal import Decimal
from typing import Final

from broker_connector_base import BrokerAPIError, Fill
from ibkr_connector.messages import OrderKey
from ibkr_connector.order_follower import OrderFollower
from ibkr_connector.order_record import OrderRecord
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession

_LONG_SECONDS: Final = 3600.0
_WHAT: Final = "executions"


class FillFeed:
    """Tells executions of one session; asks for them where messages about them were lost or have not come."""

    def __init__(self, session: GatewaySession, requests: Requests, follower: OrderFollower) -> None:
        self._session = session
        self._requests = requests
        self._follower = follower
        self._doubts = 0
        self._asked: dict[OrderKey, Decimal] = {}

    async def hear(self) -> AsyncGenerator[Fill]:
        """See BrokerClient.hear_fills."""
        book, told, position = self._session.executions, dict[str, tuple[object, ...]](), 0
        while True:
            news, position = book.news_since(position), book.position
            await self._follower.await_commissions(news, _WHAT)
            for fill in book.fills_and_busts(news):
                changeable = (fill.commission, fill.replaces)  # kept for the day, where a Fill is ten times as large
                if told.get(fill.exec_id) != changeable:
                    told[fill.exec_id] = changeable
                    yield fill
            await self._await_news(position)

    async def _await_news(self, position: int) -> None:
        session, book = self._session, self._session.executions

        def may_have_news() -> bool:
            return book.position > position or session.doubts > self._doubts or bool(self._unexplained())

        while not await session.wait_until(may_have_news, _LONG_SECONDS, _WHAT):
            pass
        if book.position > position:
            return
        # A status often comes just before its execution.
        if await session.wait_until(lambda: book.position > position, session.settings.message_grace_seconds, _WHAT):
            return
        await self._ask()

    async def _ask(self) -> None:
        """Have executions told again; where that fails they are told in the next session at the latest."""
        unexplained = self._unexplained()
        has_doubts, self._doubts = self._session.doubts > self._doubts, self._session.doubts
        self._asked |= {record.key: record.told_filled for record in unexplained}
        everybody: list[str] = self._session.ib.managedAccounts()
        for account_id in everybody if has_doubts else sorted({record.account_id for record in unexplained}):
            with suppress(BrokerAPIError):
                await self._requests.executions(account_id)

    def _unexplained(self) -> list[OrderRecord]:
        """Our orders of which more shares are told to be filled than executions were, and not asked for yet."""
        own = self._session.settings.client_id
        return [
            record
            for record in self._session.orders
            if record.key.belongs_to(own)
            and record.told_filled > max(record.filled, self._asked.get(record.key, Decimal(0)))
            and not record.has_corrections
        ]
