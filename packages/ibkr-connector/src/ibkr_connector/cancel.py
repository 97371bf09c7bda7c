"""Cancelling the orders of a session's own client id, and only those.

The gateway reads an order id in the sender's own id space: cancelling another client's order by its number would
cancel ours of the same number.
"""

from broker_connector_base import CancellationUnconfirmed, OrderStatus
from ibkr_connector.order_follower import OrderFollower
from ibkr_connector.order_record import OrderRecord
from ibkr_connector.reconciliation import Reconciler
from ibkr_connector.session import GatewaySession


class Canceller:
    """Cancels orders of one session's client id."""

    def __init__(self, session: GatewaySession, follower: OrderFollower, reconciler: Reconciler) -> None:
        self._session = session
        self._follower = follower
        self._reconciler = reconciler

    async def cancel(self, record: OrderRecord, *, timeout_seconds: float) -> OrderStatus:
        """Cancel the order and wait for the brokerage's word that it can never fill again.

        Raises:
            CancellationUnconfirmed: no such word in time.
            ValueError: the order is of another client id; nothing was sent.
        """
        own = self._session.settings.client_id
        if not record.key.belongs_to(own):
            raise ValueError(f"order {record.key} cannot be cancelled under client id {own}")
        if record.is_final:
            return record.status
        self._session.require_connection(f"cancellation of order {record.key}")
        self._session.raw.cancelOrder(record.key.order_id)
        if not await self._follower.follow(record, timeout_seconds=timeout_seconds):
            await self._reconciler.reconcile(record)
        if not record.is_final:
            raise unconfirmed(record, timeout_seconds)
        return record.status


def unconfirmed(record: OrderRecord, timeout_seconds: float) -> CancellationUnconfirmed:
    """The error about an order that may still be alive."""
    return CancellationUnconfirmed(
        f"order {record.description} was not confirmed as cancelled within {timeout_seconds:g} s; the broker last said "
        f"{record.told_status or 'nothing'} {record.message}".rstrip(),
    )
