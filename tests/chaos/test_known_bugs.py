"""The driver catches what it is for: each of fourteen known bugs, put into a copy of the product, is found."""

import pytest

from chaos.mutants.bugs import BUGS, Bug, Change
from chaos.mutants.campaign import hunt
from chaos.mutants.product_copy import BugNotSeeded, copy_with
from chaos.queue_level.arena import Database

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("bug", BUGS, ids=[f"bug-{number}" for number in range(1, len(BUGS) + 1)])
async def test_a_known_bug_is_caught(bug: Bug, database: Database) -> None:
    """An invariant that the bug breaks is found broken within a few trials."""
    verdict = await hunt(bug, database, seed=1000)

    assert verdict.is_caught, verdict.words


def test_there_are_fourteen() -> None:
    """Twelve of other queues, one of lock services, and one that a history beside the queue makes possible."""
    assert len({bug.name for bug in BUGS}) == 14


def test_a_bug_that_does_not_fit_the_product_is_an_error() -> None:
    """A passage that is not there any more is told, so that no bug is caught in name only."""
    stale = Bug(
        name="stale", changes=[Change(BUGS[0].changes[0].file, "no such words", "")], faults=["F1"], breaks=["I1"]
    )

    with pytest.raises(BugNotSeeded, match="0 times"), copy_with(stale):
        pass
