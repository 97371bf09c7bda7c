"""How much of its budget the outbox takes."""

import pytest

from event_queue.outbox_size import USUAL_BUDGET, OutboxSize, Pressure, pressure_of

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("size", "wanted", "budget"),
    [
        (OutboxSize(0, 0), None, USUAL_BUDGET),
        (OutboxSize(0, 0), 7 * MB, 7 * MB),
        (OutboxSize(9, 5 * MB, redis_used=10 * MB, redis_limit=100 * MB), None, 50 * MB),
        (OutboxSize(9, 5 * MB, redis_used=10 * MB, redis_limit=100 * MB), 20 * MB, 20 * MB),
        (OutboxSize(9, 30 * MB, redis_used=70 * MB, redis_limit=100 * MB), None, 40 * MB),
        (OutboxSize(9, 2 * MB, redis_used=95 * MB, redis_limit=100 * MB), None, MB),
    ],
    ids=["no limit", "as set", "half of the limit", "set below that", "Redis nearly full", "full of other things"],
)
def test_the_budget_follows_the_settings_and_what_redis_has_left(
    size: OutboxSize, wanted: int | None, budget: int
) -> None:
    """As set, else half of Redis's limit; never so much that Redis would pass four fifths of it."""
    assert size.budget(wanted) == budget


@pytest.mark.parametrize(
    ("percent", "pressure"),
    [
        (0, Pressure.NONE),
        (24.9, Pressure.NONE),
        (25, Pressure.NOTICE),
        (50, Pressure.WARNING),
        (74.9, Pressure.WARNING),
        (75, Pressure.ALARM),
        (400, Pressure.ALARM),
    ],
)
def test_each_threshold_belongs_to_its_level(percent: float, pressure: Pressure) -> None:
    """25, 50 and 75 percent."""
    assert pressure_of(percent) is pressure
