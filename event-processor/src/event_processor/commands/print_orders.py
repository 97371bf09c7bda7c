"""print-orders: what is open on the account, whoever placed it."""

import structlog

from event_processor.account_results import orders_result
from event_processor.attempt import Attempt, CommandOutcome, Completed
from event_processor.presentation import orders_text

_log = structlog.get_logger(__name__)


async def print_orders(attempt: Attempt) -> CommandOutcome:
    """Read the account's open orders."""
    account_id = attempt.account.account_id
    orders = await attempt.broker.get_open_orders(account_id)
    result = orders_result(account_id, orders, f"{len(orders)} open orders", attempt.clock.now())
    _log.info("orders_report", report=orders_text(result))
    return Completed({**result})
