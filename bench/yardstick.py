"""The yardstick: one redis-py asyncio SET of 100 bytes, and its answer."""

from time import perf_counter
from typing import Any

NAME = "raw SET of 100 B"
_TIMES = 200
_VALUE = "x" * 100


async def raw_set(client: Any) -> float:
    """Seconds of one SET, awaited one after another on one connection."""
    start = perf_counter()
    for number in range(_TIMES):
        await client.set(f"bench:raw:{number}", _VALUE)
    return (perf_counter() - start) / _TIMES
