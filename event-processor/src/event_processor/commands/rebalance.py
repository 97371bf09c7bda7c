"""rebalance: carry the plan out. The only command that places orders."""

import structlog

from event_processor.attempt import Attempt, CommandOutcome, Completed, Delayed, Skipped
from event_processor.commands.print_rebalance import show_plan
from event_processor.market_hours import ClosedUntil
from event_processor.presentation import rebalance_text
from event_processor.rebalancer import Blocked
from event_processor.result import live_result, moment, skipped_result

_log = structlog.get_logger(__name__)


async def rebalance(attempt: Attempt) -> CommandOutcome:
    """Rebalance the account; or put the event aside until the market opens, skip it, or only show its plan."""
    if attempt.shown_only:
        return await show_plan(attempt, instead_because=attempt.shown_only)
    run = await attempt.rebalancer().execute(
        attempt.account,
        attempt.targets.weights_of(attempt.account),
        event_id=attempt.event.event_id,
        attempt=attempt.event.times_queued,
    )
    now = attempt.clock.now()
    match run:
        case ClosedUntil(opens_at):
            return Delayed(opens_at, f"the market is closed until {moment(opens_at)}")
        case Blocked():
            return Skipped({**skipped_result(attempt.account.account_id, run, now)})
        case _:
            result = live_result(run, now)
            _log.info("rebalance_report", report=rebalance_text(result))
            return Completed({**result})
