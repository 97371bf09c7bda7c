"""Interactive Brokers behind the BrokerClient interface."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from broker_connector_base import (
    AccountSnapshot,
    BrokerClient,
    BrokerConnectionError,
    BrokerHealth,
    CancellationUnconfirmed,
    ContractPrice,
    Fill,
    MarginEffect,
    OpenOrder,
    OrderRequest,
    OrderResult,
    OrderStatus,
    Permit,
    TradingHours,
)
from broker_connector_base.permit import always
from ibkr_connector import cash, hours
from ibkr_connector.account_guard import require_tradeable
from ibkr_connector.connection import open_session
from ibkr_connector.contracts import ContractCache, find_details
from ibkr_connector.details_book import DetailsBook
from ibkr_connector.details_keeper import DetailsKeeper
from ibkr_connector.fill_feed import FillFeed
from ibkr_connector.foreign_orders import ForeignCanceller
from ibkr_connector.heartbeat import Heartbeat
from ibkr_connector.line import Line
from ibkr_connector.mapping import to_open_order
from ibkr_connector.orders import send_order
from ibkr_connector.owner_lines import OwnerLines
from ibkr_connector.prices import PriceBook
from ibkr_connector.session import GatewaySession
from ibkr_connector.settings import IBKRConnectionSettings
from ibkr_connector.snapshot import Positions, SnapshotReader
from ibkr_connector.what_if import ask_margin_effect


@dataclass(frozen=True, slots=True)
class _MainLine(Line):
    """Our own line, with everything that only it is for."""

    snapshots: SnapshotReader
    prices: PriceBook
    details: DetailsBook
    foreign: ForeignCanceller


class IBKRClient(BrokerClient):
    """A connection to an IB Gateway or TWS under one fixed client id.

    `now` gives the current time in UTC; `pause` waits for a number of seconds, between two tries to connect and
    until a recent execution has settled.
    """

    def __init__(
        self,
        settings: IBKRConnectionSettings,
        *,
        now: Callable[[], datetime],
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._now = now
        self._pause = pause
        self._contracts = ContractCache()
        self._connecting = asyncio.Lock()
        self._line: _MainLine | None = None

    async def connect(self) -> None:
        """See BrokerClient."""
        async with self._connecting:
            if self._line is None or self._line.session.lost.done():
                session = await open_session(self._settings, now=self._now, pause=self._pause)
                lost, self._line = self._line, self._equip(session)
                if lost is not None:
                    del lost
                    # Its books hold a day's executions, in circles that else are kept until a lot of work was done.
                    gc.collect()

    async def disconnect(self) -> None:
        """See BrokerClient."""
        async with self._connecting:
            line, self._line = self._line, None
            if line is not None:
                await line.session.close("disconnected by us")

    def health(self) -> BrokerHealth:
        """See BrokerClient. Not connected also while the gateway itself has lost the brokerage."""
        session = self._line.session if self._line else None
        if session is None:
            return BrokerHealth(connected=False, detail="not connected")
        is_lost = session.lost.done()
        return BrokerHealth(
            connected=not is_lost and not session.is_upstream_lost,
            read_only=session.is_read_only,
            detail=session.lost.result() if is_lost else "; ".join(session.troubles.values()),
            last_heard_at=session.last_heard_at,
            unreadable="" if is_lost else session.gaps.unsettled_on(self._managed(session)),
        )

    async def wait_until_lost(self) -> None:
        """See BrokerClient."""
        if self._line is not None:
            await asyncio.wait({self._line.session.lost})

    async def get_managed_accounts(self) -> frozenset[str]:
        """See BrokerClient."""
        return self._managed(self._connected("managed accounts").session)

    async def get_account_snapshot(self, account_id: str) -> AccountSnapshot:
        """See BrokerClient."""
        return await self._guarded(account_id, "snapshot").snapshots.read(account_id)

    async def get_account_after_trading(self, account_id: str) -> AccountSnapshot:
        """See BrokerClient. Positions are those pushed meanwhile where they agree with the executions."""
        return await self._guarded(account_id, "account after trading").snapshots.read_after_trading(account_id)

    async def get_positions_after_trading(self, account_id: str, *, timeout_seconds: float) -> Positions:
        """See BrokerClient. As pushed where that is what executions foretell, else as asked for."""
        snapshots = self._guarded(account_id, "positions after trading").snapshots
        return await snapshots.positions_after_trading(account_id, timeout_seconds=timeout_seconds)

    async def await_cash(self, account_id: str, *, at_least: Decimal, timeout_seconds: float) -> Decimal:
        """See BrokerClient."""
        line = self._guarded(account_id, "cash")
        return await cash.await_cash(
            line.session,
            line.requests,
            account_id,
            is_enough=lambda figure: figure >= at_least,
            timeout_seconds=timeout_seconds,
        )

    async def get_market_prices(
        self, symbols: Sequence[str], *, allow_previous_close: bool, max_age_seconds: float = 0
    ) -> Mapping[str, ContractPrice]:
        """See BrokerClient. Prices are remembered for as long as the session lasts."""
        line = self._connected("prices")
        stocks = await self._contracts.qualify(line.details, symbols)
        return await line.prices.read(
            list(stocks.values()), allow_previous_close=allow_previous_close, max_age_seconds=max_age_seconds
        )

    async def get_trading_hours(self, symbols: Sequence[str]) -> Mapping[str, TradingHours]:
        """See BrokerClient. Hours are at most 15 minutes old, and of the exchange's present day."""
        details = await self._contracts.details(self._connected("trading hours").details, symbols)
        return {symbol: hours.trading_hours(symbol, each) for symbol, each in details.items()}

    async def get_open_orders(self, account_id: str) -> tuple[OpenOrder, ...]:
        """See BrokerClient."""
        line = self._guarded(account_id, "open orders")
        listed = await line.requests.open_orders(account_id)
        return tuple(
            to_open_order(
                each, status=record.status, filled=record.filled_by_any_word, own_client_id=self._settings.client_id
            )
            for each in listed
            if each.account_id == account_id and not (record := line.session.orders.of_listing(each)).is_final
        )

    async def get_fills(self, account_id: str) -> tuple[Fill, ...]:
        """See BrokerClient."""
        line = self._guarded(account_id, "executions")
        await line.requests.executions(account_id)
        executions = line.session.executions.of_account(account_id)
        await line.follower.await_commissions(executions, f"commissions of {account_id}")
        return line.session.executions.fills_and_busts(executions)

    def hear_fills(self) -> AsyncIterator[Fill]:
        """See BrokerClient."""
        line = self._connected("fills")
        return FillFeed(line.session, line.requests, line.follower).hear()

    async def place_order(self, request: OrderRequest, *, permit: Permit = always) -> str:
        """See BrokerClient. An order of this reference that may still fill is adopted, not sent a second time."""
        line = self._guarded(request.account_id, f"order {request.order_ref}")
        stocks = await self._contracts.qualify(line.details, [request.symbol])
        async with line.session.raw.turn(last_look=permit):
            self._require_tradeable(line.session, request.account_id)
            return str(send_order(line.session, stocks[request.symbol], request).key)

    async def what_if(self, request: OrderRequest) -> MarginEffect:
        """See BrokerClient."""
        line = self._guarded(request.account_id, f"what-if of order {request.order_ref}")
        stocks = await self._contracts.qualify(line.details, [request.symbol])
        self._require_tradeable(line.session, request.account_id)
        return await ask_margin_effect(line.session, stocks[request.symbol], request)

    async def await_order(self, order_id: str, *, timeout_seconds: float) -> OrderResult:
        """See BrokerClient."""
        line = self._connected(f"order {order_id}")
        record = line.session.orders.find(order_id)
        if record is None or record.request is None:
            raise KeyError(f"this session placed no order {order_id}")
        return await line.follower.result(record, record.request, timeout_seconds=timeout_seconds)

    async def cancel_order(self, order_id: str, *, timeout_seconds: float) -> OrderStatus:
        """See BrokerClient."""
        line = self._connected(f"cancellation of order {order_id}")
        record = line.session.orders.find(order_id)
        if record is None:
            await line.requests.open_orders()
            record = line.session.orders.find(order_id)
        if record is None:
            raise CancellationUnconfirmed(f"order {order_id} is not among the open orders, and nothing is known of it")
        self._require_tradeable(line.session, record.account_id)
        is_ours = record.key.belongs_to(self._settings.client_id)
        cancel = line.canceller.cancel if is_ours else line.foreign.cancel
        return await cancel(record, timeout_seconds=timeout_seconds)

    async def get_order_status(self, order_id: str) -> OrderStatus:
        """See BrokerClient."""
        record = self._connected(f"order {order_id}").session.orders.find(order_id)
        if record is None:
            raise KeyError(f"this session knows no order {order_id}")
        return record.status

    def _equip(self, session: GatewaySession) -> _MainLine:
        line = Line.over(session)
        snapshots = SnapshotReader(session, line.requests, now=self._now, pause=self._pause)
        snapshots.begin(self._managed(session))
        Heartbeat(session, line.requests).start()
        details = DetailsBook(partial(find_details, line.requests), self._now)
        DetailsKeeper(session, details, lambda: self._contracts.symbols, self._now).start()
        foreign = ForeignCanceller(line, OwnerLines(session, self._now))
        prices, common = PriceBook(session, self._now), (line.requests, line.reconciler, line.follower, line.canceller)
        return _MainLine(session, *common, snapshots, prices, details, foreign)

    def _connected(self, what: str) -> _MainLine:
        if self._line is None:
            raise BrokerConnectionError(f"not connected to {self._settings.address}: {what}")
        self._line.session.require_connection(what)
        return self._line

    def _guarded(self, account_id: str, what: str) -> _MainLine:
        line = self._connected(f"{what} of {account_id}")
        self._require_tradeable(line.session, account_id)
        return line

    def _require_tradeable(self, session: GatewaySession, account_id: str) -> None:
        session.require_connection(f"account {account_id}")  # a session that is over knows no accounts any more
        require_tradeable(account_id, managed=self._managed(session), trading_mode=self._settings.trading_mode)

    @staticmethod
    def _managed(session: GatewaySession) -> frozenset[str]:
        return frozenset(session.ib.managedAccounts())
