"""print-equity: what the account is worth, and what of it stays cash."""

import structlog

from event_processor.account_results import equity_result
from event_processor.attempt import Attempt, CommandOutcome, Completed
from event_processor.presentation import equity_text
from rebalance_calculator import resolve_reserve

_log = structlog.get_logger(__name__)


async def print_equity(attempt: Attempt) -> CommandOutcome:
    """Read the account's values."""
    snapshot = await attempt.broker.get_account_snapshot(attempt.account.account_id)
    reserve = resolve_reserve(attempt.account.rebalancing.equity_reserve_percentage)
    result = equity_result(snapshot, reserve, attempt.clock.now())
    _log.info("equity_report", report=equity_text(result))
    return Completed({**result})
