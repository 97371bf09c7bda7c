"""The arithmetic of the benchmark."""

import pytest
from bench.ratios import Figure, figures


def test_a_ratio_compares_within_its_round() -> None:
    """A round in which the whole machine was ten times slower changes no ratio."""
    figure = Figure.of("enqueue", seconds=[0.2, 2.0, 0.2], yardstick=[0.1, 1.0, 0.1])

    assert (figure.lowest_ratio, figure.median_ratio, figure.highest_ratio) == (2.0, 2.0, 2.0)
    assert figure.median_seconds == 0.2


def test_the_median_is_not_moved_by_one_bad_round() -> None:
    """A spoilt round shows in the range alone."""
    figure = Figure.of("enqueue", seconds=[3.0, 4.0, 90.0], yardstick=[2.0, 2.0, 2.0])

    assert figure.median_ratio == 2.0
    assert (figure.lowest_ratio, figure.highest_ratio) == (1.5, 45.0)


@pytest.mark.parametrize(("seconds", "yardstick"), [([], []), ([1.0, 2.0], [1.0])])
def test_unequal_or_missing_rounds_are_refused(seconds: list[float], yardstick: list[float]) -> None:
    """Nothing is compared with a yardstick of another round."""
    with pytest.raises(ValueError, match="rounds against"):
        Figure.of("enqueue", seconds, yardstick)


def test_the_yardstick_comes_first_and_is_one() -> None:
    """Every table starts with what the others are multiples of."""
    found = figures([{"enqueue": 0.3, "raw": 0.1}, {"enqueue": 0.2, "raw": 0.1}], "raw")

    assert [figure.name for figure in found] == ["raw", "enqueue"]
    assert found[0].median_ratio == 1.0
    assert found[1].median_ratio == pytest.approx(2.5)
