"""Figures and their spread."""

import pytest
from bench.metrics import Figures, Spread


def test_one_bad_round_moves_the_range_and_not_the_middle() -> None:
    """A busy moment of the machine is seen, and does not count."""
    assert Spread.of([3.0, 4.0, 90.0]) == Spread(median=4.0, lowest=3.0, highest=90.0)


def test_a_figure_needs_a_round() -> None:
    """Nothing is shown for what was not measured."""
    with pytest.raises(ValueError, match="one round"):
        Spread.of([])
    assert Figures().get("enqueue") is None


def test_a_ratio_needs_both_sides() -> None:
    """A peer that could not run leaves a comparison out, not a zero."""
    figures = Figures()
    figures.add("ours", 0.4)
    figures.add("ours", 0.6)
    figures.add("theirs", 0.25)

    assert figures.ratio("ours", "theirs") == pytest.approx(2.0)
    assert figures.ratio("ours", "absent") is None
    assert figures.ratio("absent", "ours") is None
