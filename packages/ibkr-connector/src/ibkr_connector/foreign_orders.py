"""Cancelling what others have open on our accounts: through a short connection under the id that owns each order.

Never by a global cancel, which hits every client and every account, and never over our own connection, where the
number of somebody else's order means one of ours.
"""

import asyncio
from typing import Final

from broker_connector_base import (
    BrokerConnectionError,
    CancellationUnconfirmed,
    ClientIdInUse,
    ForeignOrderOpen,
    OrderStatus,
)
from ibkr_connector.cancel import unconfirmed
from ibkr_connector.line import Line
from ibkr_connector.messages import OrderListed
from ibkr_connector.order_record import FILLED, OrderRecord
from ibkr_connector.owner_lines import OwnerLines, Visit

BY_HAND: Final = 0
"""The client id to which orders placed by hand are bound."""


class ForeignCanceller:
    """Cancels orders of other clients and of people, seen over our own line and confirmed over it."""

    def __init__(self, line: Line, owners: OwnerLines) -> None:
        self._line = line
        self._owners = owners

    async def cancel(self, record: OrderRecord, *, timeout_seconds: float) -> OrderStatus:
        """Cancel the order through its owner, and confirm with fresh lists of our own connection that it is over.

        Raises:
            ForeignOrderOpen: it cannot be done; the message names the order and says why.
            CancellationUnconfirmed: it was asked for, and the order may still be alive.
        """
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        owner = record.key.client_id if record.key.order_id > 0 else BY_HAND
        async with self._owners.visit(owner) as visit:
            listed = await self._listed(record)
            if listed is not None and owner == self._own_id:
                return await self._cancel_here(record, listed, timeout_seconds)
            if listed is not None:
                await self._cancel_there(record, listed, visit, deadline)
        await self._confirm(record, timeout_seconds)
        return record.status

    @property
    def _own_id(self) -> int:
        return self._line.session.settings.client_id

    async def _listed(self, record: OrderRecord) -> OrderListed | None:
        """The order as it is listed now; binding gives an order placed by hand another number."""
        listed = await self._line.requests.open_orders(record.account_id)
        return next((each for each in listed if record.is_same(each)), None)

    async def _cancel_here(self, record: OrderRecord, listed: OrderListed, timeout_seconds: float) -> OrderStatus:
        """We are client 0, and the order was placed by hand: in the meantime it has got a number of ours."""
        if not listed.key.belongs_to(self._own_id):
            raise _impossible(record, f"it has no number under client id {self._own_id}, which is ours")
        bound = self._line.session.orders.of_listing(listed)
        return await self._line.canceller.cancel(bound, timeout_seconds=timeout_seconds)

    async def _cancel_there(self, record: OrderRecord, listed: OrderListed, visit: Visit, deadline: float) -> None:
        owner = visit.client_id
        try:
            line = await visit.line(timeout_seconds=_until(deadline))
            theirs = await _seen_by_owner(line, listed)
        except ClientIdInUse as error:
            reason = f"client id {owner} is in use by another session; cancel order {record.key} there"
            raise _impossible(record, reason) from error
        except BrokerConnectionError as error:
            self._line.session.require_connection(f"cancellation of order {record.key}")
            raise _impossible(record, f"no connection under client id {owner}: {error}") from error
        if theirs is None:
            raise _impossible(record, f"client id {owner} does not see it; cancel it where it was placed")
        if await _is_cancelled_over(line, theirs, deadline):
            _take_over(record, theirs)

    async def _confirm(self, record: OrderRecord, timeout_seconds: float) -> None:
        await self._line.reconciler.reconcile(record)
        if not record.is_final:
            # The lists may be a moment behind what the order's owner was told.
            await self._line.reconciler.look_again(record)
            await self._line.reconciler.reconcile(record)
        if not record.is_final:
            raise unconfirmed(record, timeout_seconds)


async def _is_cancelled_over(line: Line, theirs: OrderRecord, deadline: float) -> bool:
    """True when the owner was told that it is over; when not, our own lists may still know."""
    try:
        await line.canceller.cancel(theirs, timeout_seconds=_until(deadline))
    except (BrokerConnectionError, CancellationUnconfirmed):
        return False
    return True


def _take_over(record: OrderRecord, theirs: OrderRecord) -> None:
    """What the owner was told counts; whether the order is off our own lists is still to be asked."""
    record.is_cancel_confirmed = True
    if theirs.told_status == FILLED:
        record.told_status = FILLED


async def _seen_by_owner(line: Line, listed: OrderListed) -> OrderRecord | None:
    """The owner's view of the order. The connection may be older than the order, and binding takes its time."""
    if _find(line, listed) is None:
        await line.requests.open_orders(listed.account_id)
    seconds = line.session.settings.message_grace_seconds
    await line.session.wait_until(lambda: _find(line, listed) is not None, seconds, f"order {listed.key}")
    return _find(line, listed)


def _find(line: Line, listed: OrderListed) -> OrderRecord | None:
    """The owner's record of exactly this order on exactly this account."""
    owner = line.session.settings.client_id
    candidates = (each for each in line.session.orders if each.key.belongs_to(owner) and each.is_same(listed))
    return next((each for each in candidates if each.account_id == listed.account_id), None)


def _impossible(record: OrderRecord, reason: str) -> ForeignOrderOpen:
    return ForeignOrderOpen(f"order {record.description} of somebody else cannot be cancelled from here: {reason}")


def _until(deadline: float) -> float:
    return max(0.0, deadline - asyncio.get_running_loop().time())
