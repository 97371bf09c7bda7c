"""The page that the benchmark writes."""

import pytest
from bench.counting import CommandCount
from bench.machine import Machine
from bench.metrics import Figures
from bench.page import render
from bench.rebalance import RebalanceSpeed

MACHINE = Machine("Some CPU", 2, "3.11.7", "7.4.1", is_pinned=True)


def page_of(figures: Figures, *, counts: list[CommandCount], speeds: dict[str, RebalanceSpeed]) -> str:
    return render(MACHINE, figures, counts, speeds, rounds=3)


def test_rates_are_shown_with_their_range() -> None:
    """Rounded for reading, and each contender in a row of its own."""
    figures = Figures()
    for share in (0.40, 0.42, 0.47):
        figures.add("everysec product enqueue", share)
    figures.add("everysec saq work 1", 0.0931)

    page = page_of(figures, counts=[CommandCount("claim", 1, 9)], speeds={})

    assert "Measured on Some CPU, 2 cores, everything on one of them; Python 3.11.7, redis-py 7.4.1; 3 rounds." in page
    assert "| **rebalancer** | yes | 0.42 | 0.40 to 0.47 |  |  |  |  |" in page
    assert "| saq | yes |  |  | 0.093 | 0.093 to 0.093 |  |  |" in page
    assert "| claim | 1 | 9 |" in page
    assert "## Rates, appendfsync always" not in page


def test_a_job_that_stayed_away_is_said_to() -> None:
    """No figure is made up for a restart that outlasted the patience."""
    figures = Figures()
    figures.add("product restart", 0.61)
    figures.add("product restart waited", 60)
    figures.add("saq restart waited", 60)
    figures.add("rq latency p50", 9.1)
    figures.add("saq latency p50", 1.26)
    figures.add("saq latency p99", 2.4)

    page = page_of(figures, counts=[], speeds={})

    assert "| **rebalancer** |  |  | 0.6 |" in page
    assert "| saq | 1.3 | 2.4 | not within 60 s |" in page
    assert "| rq | 9.1 |  |  |" in page


def test_every_goal_tells_what_was_measured_of_it() -> None:
    """Missed goals are shown as plainly as those that are reached."""
    figures = Figures()
    figures.add("everysec product enqueue", 0.30)
    figures.add("everysec product alone enqueue", 0.34)
    figures.add("always product enqueue", 0.71)

    page = page_of(figures, counts=[], speeds={})

    what = "enqueue with dedup and audit, one producer, audit draining"
    assert f"| P1 | {what} | raw | ≥ 0.33 | ≥ 0.40 | 0.30 | missed | 0.34, floor reached, goal not |" in page
    assert "| P10 | enqueue, appendfsync always | raw | ≥ 0.60 | ≥ 0.70 | 0.71 | goal reached |  |" in page
    assert "| not measured |" in page


def test_the_length_of_the_queue_is_compared_from_end_to_end() -> None:
    """The last column is the ratio of the longest to the shortest."""
    figures = Figures()
    for depth, microseconds in ((10, 100.0), (1000, 104.0), (100_000, 110.0)):
        figures.add(f"status at {depth}", microseconds)

    assert "| status | 100 | 104 | 110 | 1.10 |" in page_of(figures, counts=[], speeds={})


@pytest.mark.parametrize("speeds", [{}, {"later ones": RebalanceSpeed(steps=8, slow=0.9)}])
def test_a_rebalance_is_shown_beside_its_longest_chain(speeds: dict[str, RebalanceSpeed]) -> None:
    """Eight replies of 50 ms and two fills of 200 ms cannot take less than 0.8 s."""
    page = page_of(Figures(), counts=[], speeds=speeds)

    assert ("| later ones | 8 | 0.80 | 0.90 | 1.12 |" in page) == bool(speeds)
