"""Turns what happens in the world into messages to the clients that it concerns."""

from collections.abc import Callable, Mapping

from sandbox.gateway.account_reports import send_account_updates, send_summary, send_updates_multi
from sandbox.gateway.fields import Value
from sandbox.gateway.messages import accounts as account_messages
from sandbox.gateway.messages import executions as execution_messages
from sandbox.gateway.messages import orders as order_messages
from sandbox.gateway.requests.market_data import send_quote
from sandbox.gateway.session import NO_REQUEST, Session
from sandbox.world import World
from sandbox.world.book import MANUAL_CLIENT_ID
from sandbox.world.events import (
    AccountChanged,
    CommissionCharged,
    ConnectionCut,
    Executed,
    OrderBound,
    OrderChanged,
    OrderMessage,
    QuoteChanged,
    WorldEvent,
)
from sandbox.world.ledger import Holding
from sandbox.world.orders import Order
from sandbox.world.spec import InstrumentSpec

_OrderEvent = OrderChanged | OrderMessage | OrderBound | Executed | CommissionCharged


class Publisher:
    """Listens to the world. While the link to the brokerage is down, everything but a cut is lost."""

    def __init__(self, world: World, sessions: Mapping[int, Session], is_linked: Callable[[], bool]) -> None:
        self._world = world
        self._sessions = sessions
        self._is_linked = is_linked

    def on_event(self, event: WorldEvent) -> None:
        """Tell whoever is to know."""
        if isinstance(event, ConnectionCut):
            self._cut(event.client_id)
        elif self._is_linked():
            self._tell(event)

    def _tell(self, event: WorldEvent) -> None:
        match event:
            case AccountChanged(account_id, con_ids):
                self._tell_account(account_id, con_ids)
            case QuoteChanged(instrument):
                self._tell_quote(instrument)
            case ConnectionCut(client_id):
                self._cut(client_id)
            case _:
                self._tell_owner(event)

    def _tell_owner(self, event: _OrderEvent) -> None:
        match event:
            case OrderChanged(order):
                self._tell_order(order)
            case OrderMessage():
                self._tell_message(event)
            case OrderBound(order):
                self._send(order, lambda _session: order_messages.order_bound(order))
            case Executed(execution):
                details = execution_messages.execution_details
                self._send(execution.order, lambda session: details(NO_REQUEST, execution, session.version))
            case CommissionCharged(execution):
                self._send(execution.order, lambda _session: execution_messages.commission_report(execution))

    def _send(self, order: Order, message: Callable[[Session], list[Value]]) -> None:
        for session in self._audience(order):
            session.send(message(session))

    def _audience(self, order: Order) -> list[Session]:
        owner = MANUAL_CLIENT_ID if order.manual else order.client_id
        is_unbound = order.manual and order.order_id == 0
        ids = {self._world.parts.spec.master_client_id, None if is_unbound else owner}
        return [session for client_id, session in self._sessions.items() if client_id in ids]

    def _tell_order(self, order: Order) -> None:
        zero = self._sessions.get(MANUAL_CLIENT_ID)
        if order.manual and order.order_id == 0 and zero and zero.subscriptions.auto_open_orders:
            self._world.bind_manual_orders()
        for session in self._audience(order):
            session.send(order_messages.open_order(order, session.version))
            session.send(order_messages.order_status(order))

    def _tell_message(self, event: OrderMessage) -> None:
        session = self._sessions.get(event.client_id)
        if session:
            session.error(event.order_id, event.code, event.text)

    def _tell_account(self, account_id: str, con_ids: tuple[int, ...]) -> None:
        shown = self._world.parts.accounts.get(account_id).shown
        moved = [shown.holdings[con_id] for con_id in con_ids if con_id in shown.holdings]
        for session in self._sessions.values():
            _tell_positions(session, account_id, moved)
            _tell_values(session, account_id)

    def _tell_quote(self, instrument: InstrumentSpec) -> None:
        for session in self._sessions.values():
            for request_id, spec in session.subscriptions.tickers.items():
                if spec is instrument:
                    send_quote(session, request_id, spec)

    def _cut(self, client_id: int) -> None:
        session = self._sessions.get(client_id)
        if session:
            session.connection.cut()


def _tell_positions(session: Session, account_id: str, moved: list[Holding]) -> None:
    for holding in moved:
        if session.subscriptions.positions:
            session.send(account_messages.position(account_id, holding))
        for request_id, wanted in session.subscriptions.positions_multi.items():
            if wanted == account_id:
                session.send(account_messages.position_multi(request_id, account_id, holding))


def _tell_values(session: Session, account_id: str) -> None:
    wanted = session.subscriptions
    if wanted.account_updates == account_id:
        send_account_updates(session, account_id)
    for request_id, each in wanted.updates_multi.items():
        if each == account_id:
            send_updates_multi(session, request_id, account_id)
    for request_id, summary in wanted.summaries.items():
        if account_id in summary.accounts:
            send_summary(session, request_id, summary)
