"""A client of a paper brokerage: one session, as a connector to a real one would keep it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Literal

from broker_connector_base.base_client import BrokerClient
from broker_connector_base.errors import (
    BrokerConnectionError,
    CancellationUnconfirmed,
)
from broker_connector_base.models import (
    AccountSnapshot,
    BrokerHealth,
    ContractPrice,
    Fill,
    MarginEffect,
    OpenOrder,
    OrderRequest,
    OrderResult,
    OrderStatus,
    TradingHours,
)
from broker_connector_base.permit import Permit, always
from broker_connector_base.testing.paper_brokerage import PaperBrokerage
from broker_connector_base.testing.paper_prices import PaperPrices
from broker_connector_base.testing.paper_scripts import ConnectionScript


class PaperBroker(BrokerClient):
    """Trades at a paper brokerage under the name `owner`; orders of other owners are foreign to it."""

    def __init__(self, brokerage: PaperBrokerage, *, owner: str = "1") -> None:
        self.brokerage = brokerage
        self._owner = owner
        self._prices = PaperPrices(brokerage)
        self._connected = False

    async def connect(self) -> None:
        """See BrokerClient."""
        self.brokerage.journal.record("connect")
        if not self.brokerage.is_reachable:
            raise BrokerConnectionError("the paper brokerage cannot be reached")
        if not self._connected:
            self._connected = True
            self.brokerage.owners.occupy(self._owner)

    async def disconnect(self) -> None:
        """See BrokerClient."""
        self.brokerage.journal.record("disconnect")
        self.lose_connection()

    def lose_connection(self) -> None:
        """Break the session, as the brokerage or the network would. Orders live on."""
        if self._connected:
            self._connected = False
            self.brokerage.owners.leave(self._owner)
        self.brokerage.changes.ring()

    def health(self) -> BrokerHealth:
        """See BrokerClient."""
        return BrokerHealth(connected=self._connected, detail="" if self._connected else "not connected")

    async def wait_until_lost(self) -> None:
        """See BrokerClient."""
        await self.brokerage.changes.wait_until(lambda: not self._connected)

    async def get_managed_accounts(self) -> frozenset[str]:
        """See BrokerClient."""
        self._enter("get_managed_accounts")
        return self.brokerage.account_ids

    async def get_account_snapshot(self, account_id: str) -> AccountSnapshot:
        """See BrokerClient."""
        self._enter("get_account_snapshot", account_id)
        return self.brokerage.snapshot(account_id)

    async def await_cash(self, account_id: str, *, at_least: Decimal, timeout_seconds: float) -> Decimal:
        """See BrokerClient."""
        self._enter("await_cash", account_id)
        ledger = self.brokerage.ledger(account_id)
        await self.brokerage.changes.wait_until(
            lambda: not self._connected or ledger.reported_cash >= at_least, timeout_seconds=timeout_seconds
        )
        self._require_connection("await_cash", account_id)
        return ledger.reported_cash

    async def get_market_prices(
        self, symbols: Sequence[str], *, allow_previous_close: bool, max_age_seconds: float = 0
    ) -> Mapping[str, ContractPrice]:
        """See BrokerClient. Prices used again are in the journal as `cached_prices`."""
        self._enter("get_market_prices", ",".join(sorted(symbols)))
        return self._prices.read(symbols, allow_previous_close=allow_previous_close, max_age_seconds=max_age_seconds)

    async def get_trading_hours(self, symbols: Sequence[str]) -> Mapping[str, TradingHours]:
        """See BrokerClient."""
        self._enter("get_trading_hours", ",".join(sorted(symbols)))
        spec = self.brokerage.spec
        known = [self.brokerage.quote(symbol).symbol for symbol in symbols]
        return {symbol: TradingHours(symbol=symbol, regular=spec.regular, extended=spec.extended) for symbol in known}

    async def get_open_orders(self, account_id: str) -> tuple[OpenOrder, ...]:
        """See BrokerClient."""
        self._enter("get_open_orders", account_id)
        self.brokerage.ledger(account_id)
        return tuple(order.as_open(self._owner) for order in self.brokerage.open_orders(account_id))

    async def get_fills(self, account_id: str) -> tuple[Fill, ...]:
        """See BrokerClient."""
        self._enter("get_fills", account_id)
        self.brokerage.ledger(account_id)
        return tuple(fill for fill in self.brokerage.todays_fills if fill.account_id == account_id)

    async def hear_fills(self) -> AsyncIterator[Fill]:
        """See BrokerClient."""
        self._enter("hear_fills")
        told: set[Fill] = set()
        while True:
            for fill in self._untold(told):
                told.add(fill)
                yield fill
            await self.brokerage.changes.wait_until(lambda: not self._connected or bool(self._untold(told)))
            self._require_connection("hear_fills", "")

    async def place_order(self, request: OrderRequest, *, permit: Permit = always) -> str:
        """See BrokerClient."""
        self._enter("place_order", request.order_ref)
        permit()
        order = self.brokerage.place(request, owner=self._owner)
        self._leave("place_order", request.order_ref)
        return order.order_id

    async def await_order(self, order_id: str, *, timeout_seconds: float) -> OrderResult:
        """See BrokerClient. Unknown orders and orders of others raise KeyError."""
        self._enter("await_order", order_id)
        order = self.brokerage.find(order_id)
        if order is None or order.owner != self._owner:
            raise KeyError(f"this session placed no order {order_id}")
        await self.brokerage.changes.wait_until(
            lambda: not self._connected or order.is_final, timeout_seconds=timeout_seconds
        )
        self._require_connection("await_order", order_id)
        return order.result()

    async def cancel_order(self, order_id: str, *, timeout_seconds: float) -> OrderStatus:
        """See BrokerClient. The id through which an order of somebody else goes is in the journal as `connect_as`."""
        self._enter("cancel_order", order_id)
        order = self.brokerage.find(order_id)
        if order is None:
            raise CancellationUnconfirmed(f"nothing is known of order {order_id}")
        if order.owner != self._owner and not order.is_final:
            self.brokerage.owners.require_free(order)
            self.brokerage.journal.record("connect_as", order.owner)
        self.brokerage.cancel(order)
        self._leave("cancel_order", order_id)
        await self.brokerage.changes.wait_until(
            lambda: not self._connected or order.is_final, timeout_seconds=timeout_seconds
        )
        self._require_connection("cancel_order", order_id)
        if not order.is_final:
            raise CancellationUnconfirmed(f"order {order_id} was not confirmed as cancelled in {timeout_seconds:g} s")
        return order.status

    async def get_order_status(self, order_id: str) -> OrderStatus:
        """See BrokerClient."""
        self._enter("get_order_status", order_id)
        order = self.brokerage.find(order_id)
        if order is None:
            raise KeyError(f"this session knows no order {order_id}")
        return order.status

    async def what_if(self, request: OrderRequest) -> MarginEffect:
        """See BrokerClient."""
        self._enter("what_if", request.order_ref)
        return self.brokerage.what_if(request)

    def _untold(self, told: set[Fill]) -> list[Fill]:
        return [fill for fill in self.brokerage.todays_fills if fill not in told]

    def _enter(self, call: str, subject: str = "") -> None:
        self.brokerage.journal.record(call, subject)
        self._break_if_scripted(call, "before")
        self._require_connection(call, subject)

    def _leave(self, call: str, subject: str) -> None:
        self._break_if_scripted(call, "after")
        self._require_connection(call, subject)

    def _break_if_scripted(self, call: str, moment: Literal["before", "after"]) -> None:
        if self.brokerage.scripts.take_break(ConnectionScript(call, moment)):
            self.lose_connection()

    def _require_connection(self, call: str, subject: str) -> None:
        if not self._connected:
            raise BrokerConnectionError(f"no connection to the paper brokerage: {call} {subject}".rstrip())
