"""Requests about the connection itself."""

from sandbox.gateway.fields import FieldReader
from sandbox.gateway.messages import control as messages
from sandbox.gateway.session import Session


def ids(session: Session, _fields: FieldReader) -> None:
    """The next order id of this client."""
    session.send(messages.next_valid_id(session.parts.book.next_id(session.client_id)))


def managed_accounts(session: Session, _fields: FieldReader) -> None:
    """The accounts of the login."""
    session.send(messages.managed_accounts(session.world.accounts))


def current_time(session: Session, _fields: FieldReader) -> None:
    """The gateway's clock."""
    session.send(messages.current_time(session.parts.now()))


def server_log_level(_session: Session, _fields: FieldReader) -> None:
    """The sandbox keeps no log of its own that a client could set."""
