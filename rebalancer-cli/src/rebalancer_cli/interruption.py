"""Ctrl-C and SIGTERM as an orderly end: what was started is stopped before the command returns."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from rich.console import Console

from rebalancer_cli.errors import Interrupted

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

ResultT = TypeVar("ResultT")


async def until_interrupted(work: Coroutine[Any, Any, ResultT], console: Console) -> ResultT:
    """Result of `work`, which a signal cancels wherever it is; a second signal cuts its clean-up short.

    Raises:
        Interrupted: a signal came before the end.
    """
    working = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        console.print("stopping (once more: at once)")
        working.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, interrupt)
    try:
        return await working
    except asyncio.CancelledError:
        raise Interrupted("stopped before the end") from None
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
