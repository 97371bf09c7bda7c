"""cancel-orders: cancel what is open on the account, whoever placed it."""

import structlog

from event_processor.account_results import orders_result
from event_processor.attempt import Attempt, CommandOutcome, Completed
from event_processor.errors import OrdersLeftOpen
from event_processor.presentation import orders_text
from event_processor.rebalancer.clearance import Clearance, describe

_log = structlog.get_logger(__name__)


async def cancel_orders(attempt: Attempt) -> CommandOutcome:
    """Cancel the open orders, each confirmed, and look again.

    Raises:
        CancellationUnconfirmed: an order may still be alive.
        ForeignOrderOpen: an order of somebody else could not be cancelled through its owner.
        OrdersLeftOpen: orders came up meanwhile.
    """
    account_id = attempt.account.account_id
    orders = await attempt.broker.get_open_orders(account_id)
    clearance = Clearance(attempt.broker, attempt.guard, attempt.orders.cancel_timeout_seconds)
    await clearance.cancel_all(orders)
    left = await attempt.broker.get_open_orders(account_id)
    if left:
        raise OrdersLeftOpen(
            f"account {account_id}: {len(orders)} orders cancelled, and new ones appeared meanwhile: "
            f"{'; '.join(describe(order) for order in left)}"
        )
    result = orders_result(account_id, orders, f"{len(orders)} orders cancelled", attempt.clock.now())
    _log.info("orders_report", report=orders_text(result))
    return Completed({**result})
