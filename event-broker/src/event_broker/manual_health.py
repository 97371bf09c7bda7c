"""The folder of trigger files, folded into one report `manual_files`.

Facts: directory, last_file ({name, at, outcome} or null), failed (refused files that lie in failed/), waiting.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from event_broker.manual_folder import FAILED
from event_queue.components import ComponentReport, ComponentState
from service_runtime.clock import Clock

COMPONENT: Final = "manual_files"


class ManualHealth:
    """What is known of the folder."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        """Start before the first look."""
        self._directory = directory
        self._clock = clock
        self._last: dict[str, Any] | None = None
        self._unusable: str | None = None
        self._intake_trouble: str | None = None
        self._stuck = 0
        self._waiting = 0
        self._failed = 0

    def looked(self, *, waiting: int, failed: int, stuck: int, intake_trouble: str | None) -> None:
        """The folder was looked through.

        Args:
            waiting: files that are left for the next look.
            failed: refused files in `failed/`.
            stuck: files that could be neither deleted nor moved.
            intake_trouble: why the queue takes none; None while it does.
        """
        self._waiting, self._failed, self._stuck = waiting, failed, stuck
        self._intake_trouble, self._unusable = intake_trouble, None

    def is_unusable(self, reason: str) -> None:
        """The folder could not be looked through."""
        self._unusable = reason

    def file_ended(self, name: str, at: datetime, outcome: str) -> None:
        """A file was taken in or refused."""
        self._last = {"name": name, "at": at.isoformat(), "outcome": outcome}

    def report(self) -> ComponentReport:
        """The state as one report."""
        state, detail = self._verdict()
        return ComponentReport(
            name=COMPONENT,
            state=state,
            detail=detail,
            facts={
                "directory": str(self._directory),
                "last_file": self._last,
                "failed": self._failed,
                "waiting": self._waiting,
            },
            reported_at=self._clock.now(),
        )

    def _verdict(self) -> tuple[ComponentState, str]:
        if self._unusable is not None:
            return ComponentState.DOWN, f"{self._unusable}. Trigger files are not taken in; the API still is."
        if self._intake_trouble is not None:
            words = (
                f"{self._waiting} trigger files stay where they are and wait for the queue ({self._intake_trouble})."
            )
            return ComponentState.DEGRADED, words
        if self._stuck:
            words = (
                f"{self._stuck} trigger files cannot be deleted or moved; check who may write in {self._directory}, "
                "and whether its disk is full."
            )
            return ComponentState.DEGRADED, words
        refused = f" {self._failed} refused files lie in {FAILED}/." if self._failed else ""
        return ComponentState.OK, f"Watching {self._directory}.{refused}"
