"""What a soak makes of its readings: the slope, the verdict on it, and the report."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.figures import Figures
from chaos.outcome import Outcome
from chaos.soak.gauge import Gauge, resident_bytes
from chaos.soak.growth import Growth, too_steep
from chaos.soak.pace import Pace
from chaos.soak.slope import Reading, Slope, slope_of

HOUR = 3600.0
MEGABYTE = 1_000_000.0


def line(*, start: float, size: float, percent_an_hour: float, count: int = 100) -> list[Reading]:
    """A life with a reading every ten seconds that grows straight on."""
    by_second = size * percent_an_hour / 100 / HOUR
    return [Reading(start + 10 * step, size + by_second * 10 * step) for step in range(count)]


def slope(*lives: list[Reading]) -> Slope:
    found = slope_of(lives)
    assert found is not None
    return found


@pytest.mark.parametrize("percent", [-3.0, 0.0, 0.5, 40.0])
def test_a_straight_line_is_found(percent: float) -> None:
    """Its slope by the hour, without doubt."""
    found = slope(line(start=7, size=MEGABYTE, percent_an_hour=percent))

    assert found.percent_an_hour * found.mean == pytest.approx(percent * MEGABYTE, abs=1)
    assert found.error == pytest.approx(0, abs=1e-6)


def test_a_restart_is_no_growth() -> None:
    """Each life has a level of its own: one that starts higher than the one before did not grow."""
    low, high = (
        line(start=start, size=size, percent_an_hour=0) for start, size in ((0, MEGABYTE), (2000, 3 * MEGABYTE))
    )

    found = slope(low, high)

    assert found.percent_an_hour == pytest.approx(0)
    assert found.mean == 2 * MEGABYTE


def test_growth_within_lives_is_found_though_each_begins_anew() -> None:
    """A leak that restarts hide: every life begins low again."""
    lives = [line(start=start, size=MEGABYTE, percent_an_hour=6) for start in (0, 2000, 4000)]

    assert slope(*lives).percent_an_hour == pytest.approx(6, rel=0.01)


def test_unrest_makes_the_slope_less_sure() -> None:
    """Least squares: what goes up and down around a line changes the error more than the slope."""
    steady = line(start=0, size=MEGABYTE, percent_an_hour=5)
    restless = [replace(each, size=each.size + (2000 if at % 2 else -2000)) for at, each in enumerate(steady)]

    found = slope(restless)

    assert abs(found.percent_an_hour - 5) < 2 * found.error
    assert 0.05 < found.error < 0.5


@pytest.mark.parametrize("lives", [[], [[]], [[Reading(1, 5)]], [[Reading(1, 5)], [Reading(9, 8)]]])
def test_a_line_needs_two_moments_of_one_life(lives: list[list[Reading]]) -> None:
    """Otherwise there is no slope."""
    assert slope_of(lives) is None


def growth(percent: float, error: float = 0.1) -> Growth:
    found = Slope(percent_an_hour=percent, error=error, mean=MEGABYTE)
    return Growth(part="event_broker RSS", lives=1, readings=100, slope=found)


@pytest.mark.parametrize(("percent", "error", "is_broken"), [(0.9, 0.1, False), (1.0, 0.1, True), (-4.0, 0.1, False)])
def test_a_hundredth_an_hour_is_too_much(percent: float, error: float, *, is_broken: bool) -> None:
    """F24."""
    assert bool(list(too_steep([growth(percent, error)]))) is is_broken


def test_a_slope_that_may_as_well_be_none_breaks_nothing() -> None:
    """One that is no more than twice its own error cannot be told from noise."""
    assert list(too_steep([growth(3.0, 2.0)])) == []


def test_what_was_never_measured_is_told() -> None:
    """A part without a slope has not been found to be sound."""
    unknown = Growth(part="Redis used_memory", lives=0, readings=0, slope=None)

    assert [finding.invariant for finding in too_steep([unknown])] == ["F24"]


def test_each_process_warms_up() -> None:
    """The first readings of each life count for nothing, and neither does one of a process that has ended."""
    gauge = Gauge()
    for pid, start in ((11, 0.0), (12, 100.0)):
        for second in range(60):
            size = MEGABYTE if second >= 20 else MEGABYTE / 2
            gauge.note("worker", pid, Reading(start + second, size))
    gauge.note("worker", 12, Reading(160, 0))

    (found,) = gauge.growths(warm_up_seconds=20)

    assert (found.part, found.lives, found.readings) == ("worker", 2, 80)
    assert found.slope == Slope(percent_an_hour=0, error=0, mean=MEGABYTE)


def test_the_memory_of_a_process_is_read_in_bytes() -> None:
    """A hundred megabytes that were written to are seen from outside."""
    before = resident_bytes(os.getpid())

    held = b"x" * 100_000_000

    assert resident_bytes(os.getpid()) - before > 0.9 * len(held)


def test_a_short_soak_is_not_judged() -> None:
    """Within minutes everything grows; half an hour is the least that means something."""
    assert [Pace(minutes).is_judged for minutes in (4, 29.9, 30, 60)] == [False, False, True, True]


def test_every_life_that_lasts_is_measured_for_a_third_of_the_soak() -> None:
    """Also one that begins with the last kill."""
    pace = Pace(60)

    assert pace.seconds - pace.killing_seconds - pace.warm_up_seconds >= pace.seconds / 3 - 1e-6
    assert pace.life_seconds < pace.killing_seconds
    assert pace.receipt_seconds < pace.warm_up_seconds


def test_the_report_tells_the_slopes_and_how_to_run_it_again(tmp_path: Path) -> None:
    """One line with all of them, a table with their errors, and the soak's own command for a failure."""
    outcome = Outcome(
        kind="soak",
        seed=5,
        faults=("F1", "F6"),
        findings=list(too_steep([growth(2.5)])),
        kills=9,
        events=129,
        orders=201,
        records=967,
        seconds=70,
    )
    figures = Figures(5, [outcome], growths=[growth(2.5)], again="make chaos SOAK=60 SEED={seed}")

    text = figures.write(tmp_path).read_text("utf-8")

    assert not figures.is_good
    assert figures.line().startswith("1 trials (1 soak), 9 kills, 129 events")
    assert figures.line().endswith("event_broker RSS +2.50 %/h")
    assert "| event_broker RSS | 1 | 100 | 977 KiB | +2.50 ± 0.10 %/h |" in text
    assert "Again: `make chaos SOAK=60 SEED=5`" in text
    assert "- F24: event_broker RSS +2.50 %/h" in text
