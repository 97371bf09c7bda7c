"""print-rebalance: show the plan that a live run would carry out."""

import structlog

from event_processor.attempt import Attempt, Completed
from event_processor.presentation import rebalance_text
from event_processor.result import preview_result

_log = structlog.get_logger(__name__)


async def print_rebalance(attempt: Attempt) -> Completed:
    """Plan, and touch nothing."""
    return await show_plan(attempt)


async def show_plan(attempt: Attempt, *, instead_because: str = "") -> Completed:
    """Plan, and touch nothing; the result says why when a live run was asked for."""
    preview = await attempt.rebalancer().preview(attempt.account, attempt.targets.weights_of(attempt.account))
    result = preview_result(preview, attempt.clock.now(), instead_because=instead_because)
    _log.info("rebalance_report", report=rebalance_text(result))
    return Completed({**result})
