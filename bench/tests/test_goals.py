"""What counts as reached."""

import re

import pytest
from bench.goals import AIMS, GATES, Aim, Gate, Verdict
from bench.metrics import Figures


@pytest.mark.parametrize(
    ("value", "at_most", "verdict"),
    [
        (0.40, False, Verdict.GOAL),
        (0.39, False, Verdict.FLOOR),
        (0.32, False, Verdict.MISSED),
        (0.32, True, Verdict.GOAL),
        (0.39, True, Verdict.FLOOR),
        (0.41, True, Verdict.MISSED),
        (None, False, Verdict.UNKNOWN),
    ],
)
def test_a_figure_is_judged_by_floor_and_goal(value: float | None, at_most: bool, verdict: Verdict) -> None:
    """Upwards or downwards, and only what was measured."""
    floor, goal = (0.40, 0.33) if at_most else (0.33, 0.40)
    aim = Aim("P0", "", "", floor, goal, lambda _figures: value, at_most=at_most)

    assert aim.verdict(aim.measured(Figures())) is verdict


def test_every_goal_has_its_line() -> None:
    """P1 to P20, none left out; a letter tells parts of one apart."""
    numbers = {int(found[1]) for line in (*AIMS, *GATES) if (found := re.match(r"P(\d+)", line.number))}

    assert numbers == set(range(1, 21))


@pytest.mark.parametrize("aim", AIMS, ids=lambda aim: aim.number)
def test_a_goal_is_no_weaker_than_its_floor(aim: Aim) -> None:
    """And nothing is judged before it was measured."""
    assert aim.goal <= aim.floor if aim.at_most else aim.goal >= aim.floor
    assert aim.verdict(aim.measured(Figures())) is aim.verdict(aim.alone(Figures())) is Verdict.UNKNOWN


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.number)
def test_a_gate_names_its_test(gate: Gate, pytestconfig: pytest.Config) -> None:
    """The page links to a file that is there."""
    assert (pytestconfig.rootpath / gate.where).is_file()
