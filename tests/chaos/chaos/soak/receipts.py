"""Lets Redis forget receipts sooner than the product asks.

They live for days, so that within an hour Redis would only ever grow by them. Here they live for minutes: what is not
forgotten at all stands out.
"""

from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError

from chaos.pulse import some_time
from chaos.system_level.stage import PREFIX, Stage

_EVERY_SECONDS = 5.0
_PAGE = 500


async def forget_sooner(stage: Stage, *, receipt_seconds: float) -> None:
    """Shorten every expiry that is longer, again and again, until cancelled."""
    longest_ms = int(receipt_seconds * 1000)
    while True:
        with suppress(RedisError, OSError):
            await _shorten(stage.raw, longest_ms)
        await some_time(_EVERY_SECONDS)


async def _shorten(raw: Any, longest_ms: int) -> None:
    cursor = -1
    while cursor:
        cursor, names = await raw.scan(max(cursor, 0), match=f"{PREFIX}*", count=_PAGE)
        async with raw.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.pttl(name)
            lives = await pipe.execute()
            for name, life_ms in zip(names, lives, strict=True):
                if life_ms > longest_ms:
                    pipe.pexpire(name, longest_ms)
            await pipe.execute()
