"""A watch over a folder of trigger files, with a few accounts."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

from event_broker.admission import admit
from event_broker.manual_folder import ManualFolder
from event_broker.manual_health import ManualHealth
from event_broker.manual_watch import ManualWatch, Step
from event_broker.testing.listening_rig import accounts_on
from event_queue.ports.intake import Intake
from service_runtime.clock import Clock, SystemClock
from service_runtime.settings import AblySettings, TradingMode


def watch_over(  # noqa: PLR0913 - what tests may choose otherwise
    directory: Path,
    intake: Intake,
    *,
    clock: Clock | None = None,
    settle_seconds: float = 0,
    broken_off_seconds: float | None = None,
    step: Step | None = None,
    was_taken_in: Callable[[UUID], Awaitable[bool]] | None = None,
) -> tuple[ManualWatch, ManualHealth]:
    """A watch over a folder for the paper accounts DU1 to DU3; U9 is a live account.

    Without `broken_off_seconds` a document that breaks off is waited for no longer than one that is wrong.
    """
    admission = admit(accounts_on(DU1="a", DU2="a", DU3="b", U9="b"), TradingMode.PAPER, AblySettings())
    clock = clock or SystemClock()
    health = ManualHealth(directory, clock)
    watch = ManualWatch(
        ManualFolder(directory),
        intake,
        admission,
        clock,
        health,
        settle_seconds=settle_seconds,
        broken_off_seconds=settle_seconds if broken_off_seconds is None else broken_off_seconds,
        step=step or _go_on,
        was_taken_in=was_taken_in or _nobody_knows,
    )
    return watch, health


def _go_on(_step: str) -> None:
    """Nothing happens."""


async def _nobody_knows(_event_id: UUID) -> bool:
    """As on a system that took nothing in yet."""
    return False
