"""print-positions: what the account holds."""

import structlog

from event_processor.account_results import positions_result
from event_processor.attempt import Attempt, CommandOutcome, Completed
from event_processor.presentation import positions_text

_log = structlog.get_logger(__name__)


async def print_positions(attempt: Attempt) -> CommandOutcome:
    """Read the account's positions."""
    snapshot = await attempt.broker.get_account_snapshot(attempt.account.account_id)
    result = positions_result(snapshot, attempt.clock.now())
    _log.info("positions_report", report=positions_text(result))
    return Completed({**result})
