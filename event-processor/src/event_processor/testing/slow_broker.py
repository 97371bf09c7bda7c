"""A paper broker whose replies take a time that nobody waits for: it measures how many are waited for in a row."""

import asyncio
import heapq
from collections.abc import Coroutine, Mapping, Sequence
from decimal import Decimal
from itertools import count
from typing import Any, Final, TypeVar

from broker_connector_base import (
    AccountPosition,
    AccountSnapshot,
    ContractPrice,
    Fill,
    MarginEffect,
    OpenOrder,
    OrderRequest,
    OrderResult,
    OrderStatus,
    TradingHours,
)
from broker_connector_base.testing import PaperBroker, PaperBrokerage

_TURNS: Final = 200
"""Turns of the event loop after which nothing more happens without a reply."""

T = TypeVar("T")


class VirtualTime:
    """A time that jumps to the next reply as soon as everybody waits for one."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    async def wait(self, seconds: float) -> None:
        """Let so much time pass for the caller."""
        reply: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._due, (self.now + seconds, next(self._numbers), reply))
        await reply

    async def spent_on(self, work: Coroutine[Any, Any, T]) -> tuple[T, float]:
        """Run work to its end; its result, and the seconds that it took."""
        began, task = self.now, asyncio.ensure_future(work)
        while not task.done():
            for _ in range(_TURNS):
                await _turn()
            if not task.done():
                self._jump()
        return task.result(), self.now - began

    def _jump(self) -> None:
        self.now, _, reply = heapq.heappop(self._due)
        if not reply.done():
            reply.set_result(None)


class SlowBroker(PaperBroker):
    """Every question costs one reply, an order its fill; sending an order costs nothing."""

    def __init__(self, brokerage: PaperBrokerage, time: VirtualTime, *, reply: float, fill: float) -> None:
        super().__init__(brokerage)
        self._time = time
        self._reply = reply
        self._fill = fill

    async def get_account_snapshot(self, account_id: str) -> AccountSnapshot:
        """See BrokerClient."""
        await self._time.wait(self._reply)
        return await super().get_account_snapshot(account_id)

    async def get_positions_after_trading(
        self, account_id: str, *, timeout_seconds: float
    ) -> tuple[AccountPosition, ...]:
        """See BrokerClient. They are pushed, which costs nothing."""
        del timeout_seconds
        return (await super().get_account_snapshot(account_id)).positions

    async def await_cash(self, account_id: str, *, at_least: Decimal, timeout_seconds: float) -> Decimal:
        """See BrokerClient."""
        await self._time.wait(self._reply)
        return await super().await_cash(account_id, at_least=at_least, timeout_seconds=timeout_seconds)

    async def get_market_prices(
        self, symbols: Sequence[str], *, allow_previous_close: bool, max_age_seconds: float = 0
    ) -> Mapping[str, ContractPrice]:
        """See BrokerClient."""
        await self._time.wait(self._reply)
        return await super().get_market_prices(
            symbols, allow_previous_close=allow_previous_close, max_age_seconds=max_age_seconds
        )

    async def get_trading_hours(self, symbols: Sequence[str]) -> Mapping[str, TradingHours]:
        """See BrokerClient."""
        await self._time.wait(self._reply)
        return await super().get_trading_hours(symbols)

    async def get_open_orders(self, account_id: str) -> tuple[OpenOrder, ...]:
        """See BrokerClient."""
        await self._time.wait(self._reply)
        return await super().get_open_orders(account_id)

    async def get_fills(self, account_id: str) -> tuple[Fill, ...]:
        """See BrokerClient."""
        await self._time.wait(self._reply)
        return await super().get_fills(account_id)

    async def await_order(self, order_id: str, *, timeout_seconds: float) -> OrderResult:
        """See BrokerClient."""
        await self._time.wait(self._fill)
        return await super().await_order(order_id, timeout_seconds=timeout_seconds)

    async def cancel_order(self, order_id: str, *, timeout_seconds: float) -> OrderStatus:
        """See BrokerClient."""
        await self._time.wait(self._reply)
        return await super().cancel_order(order_id, timeout_seconds=timeout_seconds)

    async def what_if(self, request: OrderRequest) -> MarginEffect:
        """See BrokerClient."""
        await self._time.wait(self._reply)
        return await super().what_if(request)


async def _turn() -> None:
    """Let everything that can run do so."""
    loop = asyncio.get_running_loop()
    turned = loop.create_future()
    loop.call_soon(turned.set_result, None)
    await turned
