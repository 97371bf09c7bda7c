"""rebalance: carry the plan out. The only command that places orders."""

import structlog

from event_processor.attempt import Attempt, CommandOutcome, Completed, Delayed
from event_processor.market_hours import ClosedUntil
from event_processor.presentation import rebalance_text
from event_processor.rebalancer import Rebalancer
from event_processor.result import live_result, moment

_log = structlog.get_logger(__name__)


async def rebalance(attempt: Attempt) -> CommandOutcome:
    """Rebalance the account, or put the event aside until the market opens."""
    rebalancer = Rebalancer(
        broker=attempt.broker,
        clock=attempt.clock,
        orders=attempt.orders,
        recorder=attempt.recorder,
        guard=attempt.guard,
    )
    run = await rebalancer.execute(
        attempt.account,
        attempt.targets.weights_of(attempt.account),
        event_id=attempt.event.event_id,
        attempt=attempt.event.times_queued,
    )
    if isinstance(run, ClosedUntil):
        return Delayed(run.opens_at, f"the market is closed until {moment(run.opens_at)}")
    result = live_result(run, attempt.clock.now())
    _log.info("rebalance_report", report=rebalance_text(result))
    return Completed({**result})
