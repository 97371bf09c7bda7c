"""Clearing the account of open orders before anything new is placed."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from broker_connector_base import BrokerClient, CancellationUnconfirmed, ForeignOrderOpen, OpenOrder
from event_processor.rebalancer.ports import Guard
from event_processor.side_by_side import every

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Clearance:
    """Cancels what is open on an account, whoever placed it."""

    broker: BrokerClient
    guard: Guard
    timeout_seconds: float

    async def cancel_all(self, orders: Sequence[OpenOrder]) -> None:
        """Cancel orders side by side, each confirmed by the brokerage; one that fails does not stop the others.

        Raises:
            CancellationUnconfirmed: at least one may still be alive.
            ForeignOrderOpen: at least one belongs to somebody through whom it could not be cancelled.
        """
        if not orders:
            return
        self.guard.require_running()
        _, errors = await every([self._cancel(order) for order in orders])
        if errors:
            raise _together(errors)

    async def _cancel(self, order: OpenOrder) -> None:
        """Cancel one order; what cannot be is named as the account's owner knows it."""
        try:
            status = await self.broker.cancel_order(order.order_id, timeout_seconds=self.timeout_seconds)
        except ForeignOrderOpen as error:
            raise ForeignOrderOpen(f"{describe(order)}: {error}") from error
        except CancellationUnconfirmed as error:
            raise CancellationUnconfirmed(f"{describe(order)}: {error}") from error
        _log.info("open_order_cancelled", order=describe(order), final_status=status.value)


def describe(order: OpenOrder) -> str:
    """An open order in words: `SELL 10 AAA (order 12 of client 77, LMT, filled 0)`."""
    return (
        f"{order.side} {order.quantity} {order.symbol} "
        f"(order {order.order_id} of {order.owner}, {order.order_type}, filled {order.filled_quantity})"
    )


def _together(errors: Sequence[Exception]) -> Exception:
    """One error that names every order left open; a lost connection or lease says all by itself."""
    left = [error for error in errors if isinstance(error, (ForeignOrderOpen, CancellationUnconfirmed))]
    if len(left) < len(errors):
        return next(error for error in errors if error not in left)
    words = f"{len(left)} open orders could not be cancelled, nothing was placed: {'; '.join(map(str, left))}"
    unconfirmed = any(isinstance(error, CancellationUnconfirmed) for error in left)
    return CancellationUnconfirmed(words) if unconfirmed else ForeignOrderOpen(words)
