"""The yardstick: one redis-py asyncio SET of 100 bytes, and its answer, on a connection of a plain client."""

import asyncio
from time import perf_counter
from typing import Any

from redis.asyncio import Redis

NAME = "raw SET of 100 B"
_TIMES = 3000
"""About a quarter of a second: shared machines change their speed within less."""
_WARM_UP = 50
_KEYS = 200
_VALUE = "x" * 100


def raw_seconds(port: int, *, times: int = _TIMES) -> float:
    """Seconds of one SET, awaited one after another; measured right beside what it is compared with."""
    return asyncio.run(_measure(port, times))


async def _measure(port: int, times: int) -> float:
    client: Any = Redis(port=port, db=15)
    try:
        await raw_set(client, _WARM_UP)
        return await raw_set(client, times)
    finally:
        await client.aclose()


async def raw_set(client: Any, times: int = _TIMES) -> float:
    """Seconds of one SET on an open client."""
    start = perf_counter()
    for number in range(times):
        await client.set(f"bench:raw:{number % _KEYS}", _VALUE)
    return (perf_counter() - start) / times
