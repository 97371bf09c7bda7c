"""cancel-orders: cancel what is open on the account, as far as it is ours."""

import structlog

from event_processor.account_results import orders_result
from event_processor.attempt import Attempt, CommandOutcome, Completed
from event_processor.errors import OrdersLeftOpen
from event_processor.presentation import orders_text
from event_processor.rebalancer.clearance import Clearance, describe

_log = structlog.get_logger(__name__)


async def cancel_orders(attempt: Attempt) -> CommandOutcome:
    """Cancel our open orders, each confirmed, and look again.

    Raises:
        CancellationUnconfirmed: an order of ours may still be alive.
        OrdersLeftOpen: orders of others, which only their owners can cancel, or orders that came up meanwhile.
    """
    account_id = attempt.account.account_id
    ours = [order for order in await attempt.broker.get_open_orders(account_id) if order.is_ours]
    clearance = Clearance(attempt.broker, attempt.guard, attempt.orders.cancel_timeout_seconds)
    await clearance.cancel_all(ours)
    left = await attempt.broker.get_open_orders(account_id)
    if left:
        raise OrdersLeftOpen(
            f"account {account_id}: {len(ours)} orders cancelled, still open: "
            f"{'; '.join(describe(order) for order in left)}; cancel them where they were placed"
        )
    result = orders_result(account_id, ours, f"{len(ours)} orders cancelled", attempt.clock.now())
    _log.info("orders_report", report=orders_text(result))
    return Completed({**result})
