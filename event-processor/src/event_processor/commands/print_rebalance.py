"""print-rebalance: show the plan that a live run would carry out."""

import structlog

from event_processor.attempt import Attempt, CommandOutcome, Completed
from event_processor.presentation import rebalance_text
from event_processor.rebalancer import Rebalancer
from event_processor.result import preview_result

_log = structlog.get_logger(__name__)


async def print_rebalance(attempt: Attempt) -> CommandOutcome:
    """Plan, and touch nothing."""
    rebalancer = Rebalancer(
        broker=attempt.broker,
        clock=attempt.clock,
        orders=attempt.orders,
        recorder=attempt.recorder,
        guard=attempt.guard,
    )
    preview = await rebalancer.preview(attempt.account, attempt.targets.weights_of(attempt.account))
    result = preview_result(preview, attempt.clock.now())
    _log.info("rebalance_report", report=rebalance_text(result))
    return Completed({**result})
