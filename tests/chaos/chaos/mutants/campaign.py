"""A short campaign against one known bug."""

from chaos.bounded import bounded
from chaos.mutants.bugs import Bug
from chaos.mutants.product_copy import copy_with
from chaos.mutants.verdict import Verdict
from chaos.processes import open_nursery
from chaos.queue_level.arena import ACTORS, Database
from chaos.queue_level.trial import run_trial

MOST_TRIALS = 6


async def hunt(bug: Bug, database: Database, *, seed: int) -> Verdict:
    """Run trials until the bug shows, or the campaign is over."""
    expected = frozenset(bug.breaks)
    with copy_with(bug) as folders:
        async with open_nursery(ACTORS, first_on_path=folders) as nursery:
            for number in range(1, MOST_TRIALS + 1):
                plan = bug.plan(seed + number)
                trial = run_trial(plan, nursery, database)
                outcome = await bounded("queue", plan.seed, trial, faults=plan.faults)
                broken = frozenset(finding.invariant for finding in outcome.findings)
                if broken & expected:
                    return Verdict(bug.name, number, broken, expected)
    return Verdict(bug.name, MOST_TRIALS, frozenset(), expected)
