"""Interleaved rounds: a busy moment of the machine spoils one round of every measurement, not all of one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

Measurement = Callable[[], Awaitable[float]]
"""Runs one operation many times; the value is the seconds that one took."""


async def run_rounds(
    measurements: Mapping[str, Measurement], *, count: int, tell: Callable[[str], Any]
) -> Sequence[Mapping[str, float]]:
    """Measure everything `count` times, after one round that only warms up."""
    rounds: list[Mapping[str, float]] = []
    for number in range(count + 1):
        tell(f"round {number} of {count}" if number else "warming up")
        rounds.append({name: await measure() for name, measure in measurements.items()})
    return rounds[1:]
