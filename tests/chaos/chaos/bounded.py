"""A limit around each trial, and an outcome for one that comes to none."""

import asyncio
import traceback
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from chaos.invariants import Finding
from chaos.outcome import DRIVER, Outcome

TRIAL_SECONDS: Final = 300.0
"""How long a trial may take: several times what the longest ones do."""
_END_SECONDS: Final = 180.0
_LONGEST_TRACE: Final = 1500


async def bounded(
    kind: str,
    seed: int,
    trial: Coroutine[Any, Any, Outcome],
    *,
    faults: Sequence[str] = (),
    seconds: float = TRIAL_SECONDS,
) -> Outcome:
    """A trial that breaks down itself is a failed one: the run goes on, and the report has its seed."""
    running = asyncio.create_task(trial)
    await asyncio.wait({running}, timeout=seconds)
    if not running.done():
        waits = _waits(running)
        running.cancel()
        await asyncio.wait({running}, timeout=_END_SECONDS)
        return _broken(kind, seed, faults, f"the trial did not end in {seconds:.0f} s: {waits}")
    if running.cancelled():
        return _broken(kind, seed, faults, "the trial was cancelled from within")
    error = running.exception()
    if error is None:
        return running.result()
    trace = "".join(traceback.format_exception(error))[-_LONGEST_TRACE:]
    return _broken(kind, seed, faults, f"{type(error).__name__}: {error}\n{trace}")


def _waits(task: asyncio.Task[Outcome]) -> str:
    """Which line waits for which, from the trial down to what it hangs on."""
    lines: list[str] = []
    waiting: Any = task.get_coro()
    while frame := getattr(waiting, "cr_frame", None):
        lines.append(f"{frame.f_code.co_name}:{frame.f_lineno}")
        waiting = waiting.cr_await
    return " > ".join(lines)


def _broken(kind: str, seed: int, faults: Sequence[str], words: str) -> Outcome:
    return Outcome(
        kind=kind,
        seed=seed,
        faults=faults,
        findings=[Finding(DRIVER, words)],
        kills=0,
        events=0,
        orders=0,
        records=0,
        seconds=0,
    )
