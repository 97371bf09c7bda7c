"""Learning the fate of an order by asking, where messages leave it open.

Open orders are asked for before executions: an order leaves that list by filling or by ending, so executions read
afterwards contain every share that it filled.
"""

from typing import Final

from broker_connector_base import BrokerAPIError, OrderStatus
from ibkr_connector.order_record import CANCELLED, FILLED, INACTIVE, OrderRecord
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession

_ENDED: Final = CANCELLED | {INACTIVE}


class Reconciler:
    """Asks open orders, executions and, where both are silent, completed orders."""

    def __init__(self, session: GatewaySession, requests: Requests) -> None:
        self._session = session
        self._requests = requests

    async def reconcile(self, record: OrderRecord) -> None:
        """Bring the record up to date; its doubt is gone afterwards, unless the gateway raises a new one."""
        record.is_doubtful = False
        is_open = await self._is_open(record)
        if record.is_final:
            return
        if is_open:
            _judge_listed(record)
        else:
            await self._judge_absent(record)

    async def _is_open(self, record: OrderRecord) -> bool:
        try:
            listed = await self._requests.open_orders(record.account_id)
        except BrokerAPIError:
            # A read-only gateway refuses lists as it refuses orders; one that it never took is not on any.
            if not record.was_refused_unseen:
                raise
            listed = []
        await self._requests.executions(record.account_id)
        return any(record.is_same(each) for each in listed)

    async def _judge_absent(self, record: OrderRecord) -> None:
        ended = await self._completed_status(record)
        is_clear = ended in _ENDED or (ended is None and record.is_end_certain)
        if record.lacks_executions or ended == FILLED or not is_clear:
            await self.look_again(record)
        if not record.is_final and not record.lacks_executions:
            record.verdict = _verdict(record, ended)
        record.is_doubtful = False

    async def look_again(self, record: OrderRecord) -> None:
        """Give the order's executions a moment to be told, then ask for them."""
        seconds = self._session.settings.message_grace_seconds
        await self._session.wait_until(lambda: record.is_final, seconds, f"executions of {record.key}")
        await self._requests.executions(record.account_id)
        for part in self._session.executions.divide(tuple(record.executions.values()), record.told_filled):
            self._session.orders.executed(part)

    async def _completed_status(self, record: OrderRecord) -> str | None:
        completed = await self._requests.completed_orders()
        for trade in completed:
            order = trade.order
            is_ours = order.permId == record.perm_id if record.perm_id else order.orderRef == record.order_ref
            if is_ours and order.account in ("", record.account_id):
                return trade.orderStatus.status
        return None


def _judge_listed(record: OrderRecord) -> None:
    """A listed order lives, except for an inactive one whose cancellation finds nothing to cancel."""
    record.is_doubtful = False
    if record.told_status == INACTIVE and not record.why_held and record.is_cancel_disputed:
        record.verdict = OrderStatus.REJECTED


def _verdict(record: OrderRecord, ended: str | None) -> OrderStatus | None:
    """The end of an order that is not open and whose executions are all known; None when nothing speaks for one."""
    if FILLED in (ended, record.told_status):
        if record.request is None:
            return OrderStatus.FILLED
        return OrderStatus.CANCELLED if record.has_corrections else None  # of the shares taken back none will come
    if ended is None and not record.has_ended_by_words:
        return None
    was_refused = record.was_refused or INACTIVE in (ended, record.told_status)
    return OrderStatus.REJECTED if was_refused else OrderStatus.CANCELLED
