"""Daily bars of the past, invented from the seed and the price of now."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from sandbox.world.spec import InstrumentSpec

_SATURDAY = 5
_CENT = Decimal("0.01")
_VOLUME = 1_000_000


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of trading."""

    day: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int

    @property
    def epoch_seconds(self) -> int:
        return int(datetime.combine(self.day, time(), UTC).timestamp())


def daily_bars(spec: InstrumentSpec, last_day: date, count: int, seed: int) -> list[Bar]:
    """`count` weekdays up to `last_day`, oldest first; the last closes at the instrument's previous close."""
    random_walk = random.Random(f"{seed}:{spec.con_id}")  # noqa: S311 - repeatable prices, not secrets
    bars: list[Bar] = []
    close, day = spec.close or spec.price, last_day
    while len(bars) < count:
        if day.weekday() < _SATURDAY:
            opened = (close * Decimal(str(1 + random_walk.uniform(-0.01, 0.01)))).quantize(_CENT)
            bars.append(Bar(day, opened, max(opened, close), min(opened, close), close, _VOLUME))
            close = opened
        day -= timedelta(days=1)
    return bars[::-1]
