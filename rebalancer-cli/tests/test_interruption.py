"""Signals as an orderly end."""

import asyncio
import os
import signal
from io import StringIO

import pytest
from rich.console import Console

from rebalancer_cli.errors import Interrupted
from rebalancer_cli.interruption import until_interrupted


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_work_with_its_clean_up(
    console: Console, output: StringIO, number: signal.Signals
) -> None:
    """Whatever the work is waiting for, its clean-up runs to its end before the command returns."""
    steps: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            await asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=0.01)
            steps.append("cleaned up")

    with pytest.raises(Interrupted):
        await until_interrupted(work(), console)

    assert steps == ["cleaned up"]
    assert "stopping" in output.getvalue()


async def test_work_that_ends_by_itself(console: Console) -> None:
    """Without a signal the result comes through, and errors as they are."""

    async def work() -> int:
        return 7

    async def fail() -> int:
        raise KeyError("broken")

    assert await until_interrupted(work(), console) == 7
    with pytest.raises(KeyError, match="broken"):
        await until_interrupted(fail(), console)
