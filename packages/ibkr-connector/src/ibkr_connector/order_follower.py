"""Waiting for the end of an order, by its messages and, where these leave doubt, by asking."""

import asyncio
from collections.abc import Iterable

from broker_connector_base import OrderRequest, OrderResult, OrderStatus
from ibkr_connector.messages import ExecutionTold
from ibkr_connector.order_record import OrderRecord
from ibkr_connector.reconciliation import Reconciler
from ibkr_connector.session import GatewaySession


class OrderFollower:
    """Follows orders of one session."""

    def __init__(self, session: GatewaySession, reconciler: Reconciler) -> None:
        self._session = session
        self._reconciler = reconciler

    async def follow(self, record: OrderRecord, *, timeout_seconds: float) -> bool:
        """Wait until the order is final; False when the time is over first. Executions then may still be on their way.

        Raises:
            BrokerConnectionError: the session ended; the order's fate must be learned in the next.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        what = f"end of order {record.key} ({record.order_ref})"
        await self._expect_a_word(record, min(self._session.settings.acknowledgement_seconds, timeout_seconds), what)
        while not record.is_final:
            remaining = deadline - loop.time()
            if not await self._session.wait_until(lambda: record.is_final or record.is_doubtful, remaining, what):
                return False
            grace = min(self._session.settings.message_grace_seconds, max(0.0, deadline - loop.time()))
            if not await self._session.wait_until(lambda: record.is_final, grace, what):
                await self._reconciler.reconcile(record)
        return True

    async def result(self, record: OrderRecord, request: OrderRequest, *, timeout_seconds: float) -> OrderResult:
        """What became of the order by the deadline, with commissions as far as they were reported."""
        await self.follow(record, timeout_seconds=timeout_seconds)
        await self.await_commissions(record.executions.values(), f"commissions of order {record.key}")
        record.is_end_told = record.is_final
        return OrderResult(
            order_id=str(record.key),
            request=request,
            status=record.status,
            fills=self._session.executions.fills(record.executions.values()),
            message=self._words(record),
        )

    def _words(self, record: OrderRecord) -> str:
        missing = self._session.executions.without_commission(record.executions.values())
        note = f"no commission reported for {missing} of {len(record.executions)} executions" if missing else ""
        taken_back = "executions were corrected to fewer shares, or busted" if record.lost_shares else ""
        return "; ".join(filter(None, (record.message, taken_back, note)))

    async def _expect_a_word(self, record: OrderRecord, seconds: float, what: str) -> None:
        """The gateway sometimes answers an order not at all: then it is asked for, and never sent again."""

        def has_word() -> bool:
            return record.is_doubtful or record.status is not OrderStatus.PENDING

        if not await self._session.wait_until(has_word, seconds, what):
            await self._reconciler.reconcile(record)

    async def await_commissions(self, executions: Iterable[ExecutionTold], what: str) -> None:
        """Give reports on these executions a moment to arrive; those that do not are never waited for again."""
        book, awaited = self._session.executions, tuple(executions)
        seconds = self._session.settings.commission_wait_seconds
        if not await self._session.wait_until(lambda: not book.lack_commission(awaited), seconds, what):
            book.waive_commission(awaited)
