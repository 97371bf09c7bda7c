"""A limit around each trial, and an outcome for one that comes to none."""

import asyncio
import traceback
from collections.abc import Coroutine
from typing import Any

from chaos.invariants import Finding
from chaos.outcome import Outcome

_END_SECONDS = 180.0


async def bounded(kind: str, seed: int, trial: Coroutine[Any, Any, Outcome], *, seconds: float) -> Outcome:
    """A trial that breaks down itself is a failed one: the run goes on, and the report has its seed."""
    running = asyncio.create_task(trial)
    await asyncio.wait({running}, timeout=seconds)
    if not running.done():
        waits = _waits(running)
        running.cancel()
        await asyncio.wait({running}, timeout=_END_SECONDS)
        return _broken(kind, seed, f"the trial did not end in {seconds:.0f} s: {waits}")
    error = running.exception()
    if error is None:
        return running.result()
    return _broken(kind, seed, "".join(traceback.format_exception(error))[-1500:])


def _waits(task: asyncio.Task[Outcome]) -> str:
    """Which line waits for which, from the trial down to what it hangs on."""
    lines: list[str] = []
    waiting: Any = task.get_coro()
    while frame := getattr(waiting, "cr_frame", None):
        lines.append(f"{frame.f_code.co_name}:{frame.f_lineno}")
        waiting = waiting.cr_await
    return " > ".join(lines)


def _broken(kind: str, seed: int, words: str) -> Outcome:
    findings = [Finding("driver", words)]
    return Outcome(
        kind=kind, seed=seed, faults=(), findings=findings, kills=0, events=0, orders=0, records=0, seconds=0
    )
