"""Connecting to PostgreSQL, so that nothing is left behind by a connect that is cut short."""

import asyncio
from typing import Any, Final

import asyncpg

_driver: Any = asyncpg
_MOMENT_SECONDS: Final = 0.2
_MOMENT_TURNS: Final = 50
"""Turns of the loop, more than the driver needs: on a busy machine it may get hardly any in the seconds."""


async def connect(*address: Any, **options: Any) -> Any:
    """`asyncpg.connect`; when it is cancelled, the driver goes on for a moment before it is.

    A cancellation that meets the driver while its socket is opened and not yet spoken on leaves a future with an error
    that nobody hears, which asyncio tells as an error of the service. The moment is longer than that, and wherever else
    the driver waits it cleans up by itself.
    """
    connecting = asyncio.ensure_future(_driver.connect(*address, **options))
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        await _abandon(connecting)
        raise


async def _abandon(connecting: "asyncio.Future[Any]") -> None:
    connecting.add_done_callback(_discard)
    try:
        await asyncio.wait({connecting}, timeout=_MOMENT_SECONDS)
        for _ in range(_MOMENT_TURNS):
            await asyncio.sleep(0)  # noqa: TID251 - lets others run, waits for nothing
    finally:
        connecting.cancel()
    await asyncio.wait({connecting})


def _discard(connecting: "asyncio.Future[Any]") -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().terminate()
