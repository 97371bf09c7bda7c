"""Cancelling our own orders, and only those.

The gateway reads an order id in the sender's own id space: cancelling another client's order by its number would
cancel ours of the same number.
"""

from broker_connector_base import CancellationUnconfirmed, ForeignOrderOpen, OrderStatus
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
            ForeignOrderOpen: the order is not of our client id; nothing was sent.
            CancellationUnconfirmed: no such word in time.
        """
        self._require_own(record)
        if record.is_final:
            return record.status
        self._session.require_connection(f"cancellation of order {record.key}")
        self._session.raw.cancelOrder(record.key.order_id)
        if not await self._follower.follow(record, timeout_seconds=timeout_seconds):
            await self._reconciler.reconcile(record)
        if not record.is_final:
            raise CancellationUnconfirmed(
                f"order {record.key} ({record.side} {record.quantity} {record.symbol}) on {record.account_id} was not "
                f"confirmed as cancelled within {timeout_seconds:g} s; the broker last said "
                f"{record.told_status or 'nothing'} {record.message}".rstrip(),
            )
        return record.status

    def _require_own(self, record: OrderRecord) -> None:
        own = self._session.settings.client_id
        if not record.key.belongs_to(own):
            owner = f"of client id {record.key.client_id}" if record.key.order_id > 0 else "placed by hand"
            raise ForeignOrderOpen(
                f"order {record.key} ({record.side} {record.quantity} {record.symbol}) on {record.account_id} is "
                f"{owner}; client id {own} cannot cancel it: its owner must",
            )
