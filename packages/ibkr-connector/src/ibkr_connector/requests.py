"""Questions to the gateway, each bounded in time.

Lists of positions, open orders and completed orders come in answer to requests without a number. ib_async keeps one
pending answer of each kind: a second request while one is under way takes its answer, and the first waits for ever.
So these requests take turns, each in a task of its own that a cancelled caller leaves running, and one that is not
answered in time ends the session: its late answer would be read as part of the next.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from ib_async import Contract, ContractDetails, ExecutionFilter, Position, Trade
from ib_async.wrapper import RequestError

from broker_connector_base import BrokerAPIError, BrokerConnectionError, SnapshotIncomplete
from ibkr_connector import gaps
from ibkr_connector.account_feed import Listener
from ibkr_connector.listing import Listing
from ibkr_connector.messages import AccountFigure, OrderListed
from ibkr_connector.session import GatewaySession, NoAnswer
from ibkr_connector.summaries import SummarySubscriptions

T = TypeVar("T")


class ListIncomplete(BrokerAPIError):
    """Something that belongs in the list was not understood or not told."""


class Requests:
    """Every request of one session that only reads."""

    def __init__(self, session: GatewaySession) -> None:
        self._session = session
        self._ib = session.ib
        self._positions_turn = asyncio.Lock()
        self._open_orders_turn = asyncio.Lock()
        self._completed_orders_turn = asyncio.Lock()
        self._summaries = SummarySubscriptions(session)
        self._running: set[asyncio.Task[Any]] = set()
        self._coming_executions: dict[str, asyncio.Future[None]] = {}
        self._has_completed_orders = True

    async def positions(self, account_id: str = "") -> list[Position]:
        """Positions of every account, as the gateway has them now; complete for this account, else for all.

        Raises:
            SnapshotIncomplete: a position, possibly of the account, could not be understood.
        """
        return await self._in_turn(self._positions_turn, lambda: self._ask_positions(account_id))

    async def open_orders(self, account_id: str = "") -> list[OrderListed]:
        """Orders of everybody on every account, the latest word on each; complete for this account, else for all.

        Raises:
            BrokerAPIError: the gateway refuses to list orders, as a read-only API does, or one that may be of the
                account could not be understood.
        """
        return await self._in_turn(self._open_orders_turn, lambda: self._ask_open_orders(account_id))

    async def completed_orders(self) -> list[Trade]:
        """Today's orders that have ended; empty when the gateway does not answer this request."""
        return await self._in_turn(self._completed_orders_turn, self._ask_completed_orders)

    async def executions(self, account_id: str) -> None:
        """Have today's executions on the account told again; they arrive in the session's books.

        Whoever asks while `executions_after` is about to ask waits for that answer, which is younger still.
        """
        coming = self._coming_executions.get(account_id)
        if coming is not None:
            await asyncio.wait({coming})
            if not coming.cancelled():
                return
        await self._ask_executions(account_id)

    async def executions_after(self, account_id: str, work: Awaitable[T]) -> T:
        """The result of this work; the executions are asked for after it."""
        coming: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._coming_executions[account_id] = coming
        try:
            try:
                result = await work
            finally:
                if self._coming_executions.get(account_id) is coming:
                    del self._coming_executions[account_id]
            await self.executions(account_id)
            coming.set_result(None)
        finally:
            coming.cancel()
        return result

    async def contract_details(self, contract: Contract) -> list[ContractDetails]:
        """Details of every contract that fits.

        Raises:
            BrokerAPIError: one could not be understood; the others must not be taken for all.
            RequestError: the gateway's own error; 200 when nothing fits.
        """
        what = f"contract details of {contract.symbol}"
        with self._complete(what, gaps.DETAILS):
            return await self._session.answer(lambda: self._ib.reqContractDetailsAsync(contract), what)

    async def current_time(self) -> None:
        """A sign of life."""
        await self._session.answer(self._ib.reqCurrentTimeAsync, "current time")

    async def account_summary(self, account_id: str) -> tuple[AccountFigure, ...]:
        """Figures of one account, freshly subscribed to."""
        what = f"account summary of {account_id}"
        async with self._summaries.subscribed(what) as request_id:
            with self._complete(what, gaps.SUMMARY, SnapshotIncomplete, account_id):
                await self._numbered(lambda: self._summaries.ask(request_id), what)
            return self._session.accounts.summary(request_id, account_id)

    @asynccontextmanager
    async def account_updates(self, account_id: str) -> AsyncGenerator[Listener]:
        """Figures pushed for an account; unlike plain account updates this works for several accounts at once."""
        session, raw = self._session, self._session.raw
        session.require_connection(f"account updates of {account_id}")
        request_id: int = raw.getReqId()
        listener = session.accounts.listen(request_id, account_id)
        try:
            raw.reqAccountUpdatesMulti(request_id, account_id, "", ledgerAndNLV=False)
            yield listener
        finally:
            session.accounts.stop_listening(request_id)
            if not session.lost.done():
                raw.cancelAccountUpdatesMulti(request_id)

    async def _numbered(self, send: Callable[[], Awaitable[T]], what: str) -> T:
        try:
            return await self._session.answer(send, what)
        except RequestError as error:
            raise BrokerAPIError(f"{self._session.settings.address} refused: {what}: {error}") from error

    async def _in_turn(self, turn: asyncio.Lock, ask: Callable[[], Awaitable[T]]) -> T:
        async def take_turn() -> T:
            async with turn:
                return await ask()

        task = asyncio.create_task(take_turn())
        self._running.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, in case the caller is gone

    async def _unnumbered(self, send: Callable[[], Awaitable[T]], what: str) -> T:
        try:
            return await self._session.answer(send, what)
        except NoAnswer as error:
            self._session.end(f"not answered: {what}")
            raise BrokerConnectionError(str(error)) from error

    async def _ask_executions(self, account_id: str) -> None:
        wanted = ExecutionFilter(acctCode=account_id)
        what = f"executions of {account_id}"
        with self._complete(what, gaps.EXECUTIONS) as mark:
            await self._numbered(lambda: self._ib.reqExecutionsAsync(wanted), what)
        self._session.gaps.executions_listed(account_id, mark)

    async def _ask_positions(self, account_id: str) -> list[Position]:
        with self._complete("positions", gaps.POSITIONS, SnapshotIncomplete, account_id):
            return await self._unnumbered(self._ib.reqPositionsAsync, "positions")

    async def _ask_open_orders(self, account_id: str = "") -> list[OrderListed]:
        try:
            return await self._list_open_orders(account_id)
        except ListIncomplete:
            # Once more: an order that came or went at that moment may have looked like a gap.
            return await self._list_open_orders(account_id)

    async def _list_open_orders(self, account_id: str = "") -> list[OrderListed]:
        session, what = self._session, "open orders"
        listing = session.listing = Listing()
        try:
            with self._complete(what, gaps.OPEN_ORDERS, ListIncomplete, account_id) as mark:
                await self._unnumbered(lambda: self._unless_refused(self._ib.reqAllOpenOrdersAsync, what), what)
        finally:
            session.listing = None
        if told := listing.unlisted(session.orders):
            raise ListIncomplete(f"{what} are incomplete: order {told.key} is {told.status} and not listed")
        session.gaps.orders_listed(mark)
        return listing.orders

    @contextmanager
    def _complete(
        self, what: str, kinds: frozenset[int], error: type[BrokerAPIError] = BrokerAPIError, account_id: str = ""
    ) -> Generator[int]:
        """Fail when a message of these kinds, possibly about the account, is lost meanwhile; gives the mark before."""
        mark = self._session.gaps.mark
        yield mark
        if lost := self._session.gaps.since(mark, kinds, account_id):
            raise error(f"{self._session.settings.address}: {what} are incomplete: {lost}")

    async def _ask_completed_orders(self) -> list[Trade]:
        if not self._has_completed_orders:
            return []
        what = "completed orders"
        try:
            ask = self._request_completed_orders
            return await self._session.answer(lambda: self._unless_refused(ask, what), what)
        except (NoAnswer, BrokerAPIError):
            self._has_completed_orders = False
            return []

    def _request_completed_orders(self) -> Awaitable[list[Trade]]:
        return self._ib.reqCompletedOrdersAsync(apiOnly=False)

    async def _unless_refused(self, send: Callable[[], Awaitable[T]], what: str) -> T:
        """The answer, unless the gateway says that it refuses some request: that one, for no other is refused so."""
        refusal = self._session.next_refusal()
        answer = asyncio.ensure_future(send())
        try:
            await asyncio.wait({answer, refusal}, return_when=asyncio.FIRST_COMPLETED)
            if refusal.done():
                raise BrokerAPIError(f"{self._session.settings.address} refused: {what}: {refusal.result()}")
            return answer.result()
        finally:
            answer.cancel()
