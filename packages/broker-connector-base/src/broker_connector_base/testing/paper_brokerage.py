"""The brokerage behind paper clients: it outlives their sessions, as a real one does."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import count

from broker_connector_base.errors import AccountRefused, ContractUnknown, OrderRejected
from broker_connector_base.models import (
    AccountSnapshot,
    ContractPrice,
    Fill,
    MarginEffect,
    OrderRequest,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from broker_connector_base.testing.changes import Changes
from broker_connector_base.testing.paper_journal import Journal
from broker_connector_base.testing.paper_ledger import PaperLedger
from broker_connector_base.testing.paper_margin import margin_effect, margin_refusal, refusal
from broker_connector_base.testing.paper_order import PaperOrder
from broker_connector_base.testing.paper_owners import PaperOwners
from broker_connector_base.testing.paper_scripts import (
    FillOnCancellation,
    FillPartly,
    IgnoreCancellation,
    LeaveOpen,
    RejectOrder,
    Scripts,
)
from broker_connector_base.testing.paper_spec import PaperQuote, PaperSpec


class PaperBrokerage:
    """Accounts, orders and executions in memory. Orders fill at once at the quoted price unless scripted otherwise.

    A cash account gets neither credit nor short sales. A closed market leaves orders waiting; call `match_orders`
    after the clock has moved. Market-on-close orders wait for `close_market`, settlement for `pass_night`.
    """

    def __init__(self, spec: PaperSpec, *, now: Callable[[], datetime]) -> None:
        self.spec = spec
        self.now = now
        self.journal = Journal()
        self.scripts = Scripts()
        self.changes = Changes()
        self.owners = PaperOwners()
        self.is_reachable = True
        self._ledgers = {account.account_id: PaperLedger(account) for account in spec.accounts}
        self._quotes = {quote.symbol: quote for quote in spec.quotes}
        self._orders: dict[str, PaperOrder] = {}
        self._fills: list[Fill] = []
        self._first_of_today = 0
        self._order_numbers = count(1)

    @property
    def account_ids(self) -> frozenset[str]:
        """Accounts of the login."""
        return frozenset(self._ledgers)

    @property
    def orders(self) -> tuple[PaperOrder, ...]:
        """Every order ever placed, in order."""
        return tuple(self._orders.values())

    @property
    def fills(self) -> tuple[Fill, ...]:
        """Every execution on any account, in order."""
        return tuple(self._fills)

    @property
    def todays_fills(self) -> tuple[Fill, ...]:
        """Executions since the last night."""
        return tuple(self._fills[self._first_of_today :])

    def ledger(self, account_id: str) -> PaperLedger:
        """The books of an account.

        Raises:
            AccountRefused: there is no such account.
        """
        if account_id not in self._ledgers:
            raise AccountRefused(f"account {account_id} is not managed by this login")
        return self._ledgers[account_id]

    def quote(self, symbol: str) -> PaperQuote:
        """The quote of a US stock.

        Raises:
            ContractUnknown: there is no such stock.
        """
        if symbol not in self._quotes:
            raise ContractUnknown(f"{symbol} is not a US stock or ETF that this brokerage knows")
        return self._quotes[symbol]

    def price(self, symbol: str) -> ContractPrice | None:
        """The quoted price of a US stock at this moment, None when there is none.

        Raises:
            ContractUnknown: there is no such stock.
        """
        quote = self.quote(symbol)
        if quote.price is None:
            return None
        return ContractPrice(symbol=symbol, price=quote.price, source=quote.source, observed_at=self.now())

    def snapshot(self, account_id: str) -> AccountSnapshot:
        """The account as the brokerage reports it now."""
        return self.ledger(account_id).snapshot(self._prices(), self.now())

    def set_quote(self, quote: PaperQuote) -> None:
        """Change a price, or add a symbol; waiting orders may fill."""
        self._quotes[quote.symbol] = quote
        self.match_orders()

    def release_cash(self, account_id: str) -> None:
        """Let the reported cash of an account catch up with the real one."""
        self.ledger(account_id).release_cash()
        self.changes.ring()

    def find(self, order_id: str) -> PaperOrder | None:
        """The order of this id."""
        return self._orders.get(order_id)

    def open_orders(self, account_id: str) -> Iterable[PaperOrder]:
        """Orders that may still fill, whoever placed them."""
        return [order for order in self.orders if order.request.account_id == account_id and not order.is_final]

    def place(self, request: OrderRequest, *, owner: str) -> PaperOrder:
        """Take an order.

        Raises:
            AccountRefused: there is no such account.
            ContractUnknown: there is no such stock.
        """
        ledger = self.ledger(request.account_id)
        self.quote(request.symbol)
        behaviour = self.scripts.take_behaviour(request.symbol, request.side)
        order = PaperOrder(f"{owner}:{next(self._order_numbers)}", request, owner, behaviour)
        self._orders[order.order_id] = order
        words = behaviour.words if isinstance(behaviour, RejectOrder) else self._refusal(ledger, order)
        if words:
            order.reject(words)
        self.match_orders()
        return order

    def what_if(self, request: OrderRequest) -> MarginEffect:
        """What an order would do; nothing changes.

        Raises:
            AccountRefused, ContractUnknown: as in `place`.
            OrderRejected: it would be refused.
        """
        ledger, prices = self.ledger(request.account_id), self._prices()
        self.quote(request.symbol)
        quantity = Decimal(request.quantity)
        effect = margin_effect(ledger, request, prices, self.spec.commission_of(quantity))
        words = (
            self.scripts.refusal(request.symbol, request.side)
            or refusal(ledger, request, quantity, prices)
            or margin_refusal(effect, request, ledger.shares(request.symbol))
        )
        if words:
            raise OrderRejected(f"order {request.order_ref} on {request.account_id}: {words}")
        return effect

    def cancel(self, order: PaperOrder) -> None:
        """Cancel what is open of an order, unless scripted otherwise."""
        if isinstance(order.behaviour, IgnoreCancellation):
            return
        if isinstance(order.behaviour, FillOnCancellation):
            self._execute(order, order.remaining)
        if not order.is_final:
            order.status = OrderStatus.CANCELLED
        self.changes.ring()

    def match_orders(self) -> None:
        """Fill every order that can be filled at this moment."""
        for order in self.orders:
            if not order.is_final and (quantity := self._fillable(order)) > 0:
                self._execute(order, quantity)
        self.changes.ring()

    def close_market(self) -> None:
        """Hold the closing auction: every market-on-close order fills at the quoted price."""
        for order in self.orders:
            if not order.is_final and order.request.order_type is OrderType.MARKET_ON_CLOSE:
                self._execute(order, order.remaining)
        self.changes.ring()

    def pass_night(self) -> None:
        """Let cash settle and orders for the day expire; executions of the day are history."""
        for ledger in self._ledgers.values():
            ledger.settle()
        for order in self.orders:
            if not order.is_final and order.request.time_in_force is TimeInForce.DAY:
                order.status = OrderStatus.EXPIRED
        self._first_of_today = len(self._fills)
        self.changes.ring()

    def correct_fill(self, fill: Fill, *, quantity: Decimal, price: Decimal) -> Fill:
        """Correct an execution, as exchanges do: the new one has the same id but for what follows its last dot.

        Without shares it is busted, and its commission is paid back.
        """
        stem, _, version = fill.exec_id.rpartition(".")
        new = fill.model_copy(
            update={
                "exec_id": f"{stem}.{int(version) + 1:02}",
                "quantity": quantity,
                "price": price,
                "commission": fill.commission if quantity else Decimal(0),
                "replaces": (*fill.replaces, fill.exec_id),
            },
        )
        self._fills[self._fills.index(fill)] = new
        self.ledger(fill.account_id).revise(fill, new)
        for order in self.orders:
            if fill in order.fills:
                order.revise(fill, new)
        self.changes.ring()
        return new

    def _fillable(self, order: PaperOrder) -> Decimal:
        if not self._is_marketable(order.request):
            return Decimal(0)
        match order.behaviour:
            case None | RejectOrder():
                return order.remaining
            case FillPartly(quantity):
                return Decimal(0) if order.fills else min(quantity, order.remaining)
            case LeaveOpen() | IgnoreCancellation() | FillOnCancellation():
                return Decimal(0)

    def _is_marketable(self, request: OrderRequest) -> bool:
        price = self.quote(request.symbol).price
        if request.order_type is OrderType.MARKET_ON_CLOSE:
            return False
        if price is None or not self._is_open(outside_regular_hours=request.outside_regular_hours):
            return False
        if request.order_type is OrderType.MARKET or request.limit_price is None:
            return True
        return (request.limit_price - price) * request.side.sign >= 0

    def _is_open(self, *, outside_regular_hours: bool) -> bool:
        sessions = self.spec.extended if outside_regular_hours else self.spec.regular
        return not sessions or any(session.contains(self.now()) for session in sessions)

    def _execute(self, order: PaperOrder, quantity: Decimal) -> None:
        """Execute at the quoted price, or reject what the account can no longer afford or deliver."""
        ledger, quote = self.ledger(order.request.account_id), self.quote(order.request.symbol)
        if words := self._refusal(ledger, order):
            order.reject(words)
        elif quote.price is not None:
            fill = self._fill(order.request, quantity, quote.price)
            order.book(fill)
            self._fills.append(fill)
            ledger.apply(fill)

    def _fill(self, request: OrderRequest, quantity: Decimal, price: Decimal) -> Fill:
        return Fill(
            exec_id=f"paper.{len(self._fills) + 1}.01",
            order_ref=request.order_ref,
            account_id=request.account_id,
            symbol=request.symbol,
            side=request.side,
            quantity=quantity,
            price=price,
            commission=self.spec.commission_of(quantity),
            executed_at=self.now(),
        )

    def _refusal(self, ledger: PaperLedger, order: PaperOrder) -> str:
        request = order.request
        if request.order_type is OrderType.MARKET_ON_CLOSE and request.time_in_force is not TimeInForce.DAY:
            return "Order rejected: market-on-close orders are for the day"
        return refusal(ledger, request, order.remaining, self._prices())

    def _prices(self) -> Mapping[str, Decimal]:
        return {symbol: quote.price for symbol, quote in self._quotes.items() if quote.price is not None}
