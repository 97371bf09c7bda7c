"""Cancelling and listing orders, open and completed."""

from collections.abc import Iterable

from sandbox.gateway.fields import FieldReader
from sandbox.gateway.messages import orders as messages
from sandbox.gateway.session import NO_REQUEST, Session
from sandbox.world.book import MANUAL_CLIENT_ID
from sandbox.world.orders import Order
from sandbox.world.refusals import READ_ONLY

_NOT_CLIENT_ZERO = 327


def cancel_order(session: Session, fields: FieldReader) -> None:
    """Cancel by a number of the caller's own."""
    fields.skip(1)
    session.world.cancel_order(session.client_id, fields.integer())


def global_cancel(session: Session, _fields: FieldReader) -> None:
    """Cancel everything, whoever placed it, in every account."""
    if not _is_refused(session):
        session.world.cancel_everything(session.client_id)


def open_orders(session: Session, _fields: FieldReader) -> None:
    """The client's own orders; client 0 also binds those placed by hand."""
    if _is_refused(session):
        return
    if session.client_id == MANUAL_CLIENT_ID:
        session.world.bind_manual_orders()
    _list(session, session.parts.book.listed(session.client_id))


def all_open_orders(session: Session, _fields: FieldReader) -> None:
    """Everyone's orders, once."""
    if not _is_refused(session):
        _list(session, session.parts.book.listed())


def auto_open_orders(session: Session, fields: FieldReader) -> None:
    """Bind orders placed by hand as they appear; for client 0 only."""
    fields.skip(1)
    bind = fields.flag()
    if session.client_id != MANUAL_CLIENT_ID:
        text = "Only the default client (i.e 0) can auto bind orders"
        session.error(NO_REQUEST, _NOT_CLIENT_ZERO, text)
    elif not _is_refused(session):
        session.subscriptions.auto_open_orders = bind
        if bind:
            session.world.bind_manual_orders()


def completed_orders(session: Session, fields: FieldReader) -> None:
    """Orders of the day that are done; on request only those that came over the API."""
    api_only = fields.flag()
    if _is_refused(session):
        return
    done = [order for order in session.parts.book if order.is_done and not order.silent]
    listed = [order for order in done if not (api_only and order.manual)]
    session.send_all(messages.completed_order(order, session.version) for order in listed)
    session.send(messages.completed_orders_end())


def _list(session: Session, orders: Iterable[Order]) -> None:
    for order in orders:
        session.send(messages.open_order(order, session.version))
        session.send(messages.order_status(order))
    session.send(messages.open_order_end())


def _is_refused(session: Session) -> bool:
    if session.world.read_only:
        session.error(NO_REQUEST, READ_ONLY.code, READ_ONLY.text)
    return session.world.read_only
